"""How predictions of eyes, lips and blendshapes become one: the rules of the vote."""
