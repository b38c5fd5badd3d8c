"""Runs every check of scim2-tester against a directory, and prints what each of them found as JSON.

Standard input: {"base": …, "token": …, "domain": …}. scim2-tester makes its addresses up; here they are of
`domain`, because a directory takes no others. It makes `active` up, too, and then removes it: here it is true,
because nobody who was deactivated is let in again by removing the word.
"""

import json
import sys
import uuid

import scim2_tester.filling as filling
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

task = json.load(sys.stdin)

made_up = filling.get_random_example_value


def that_a_directory_takes(path):
    binding = path.resolve()
    model = binding.target_model.__name__ if binding and binding.target_model else ""
    field = binding.target_field_name if binding else ""
    if field == "value" and "email" in model.lower():
        return f"{uuid.uuid4()}@{task['domain']}"
    if field == "active":
        return True
    # Of accounts: who is locked stays so, and nobody is asked for a password by letter.
    if field in ("account_locked", "ask_password"):
        return False
    return made_up(path)


filling.get_random_example_value = that_a_directory_takes

http = Client(
    base_url=task["base"],
    headers={"Authorization": f"Bearer {task['token']}"},
    timeout=60,
    trust_env=False,
)
results = check_server(SyncSCIMClient(http))
json.dump(
    [
        {
            "status": result.status.name,
            "title": result.title,
            "type": result.resource_type,
            "reason": result.reason,
        }
        for result in results
    ],
    sys.stdout,
)
