"""The modules that a page's script needs, as a server gives them."""

import re


def scripts_of(client, name):
    """A script's name and those of all that it imports, each of which the server has to give."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        found.add(name)
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-type"].startswith("text/javascript"), name
        imported = re.findall(r'from "\./([\w.]+)"', answer.text)
        waiting += [one for one in imported if one not in found]
    return found
