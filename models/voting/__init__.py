"""How predictions of eyes, lips and blendshapes become one: the rules of the vote, by the same code in
streaming and in evaluation.

May import `statistics`, `manifest` and `classes`.
"""
