"""Uses the client that openapi-python-client made of openapi.yaml: lists events page by page, reads one, reads numbers."""

import importlib
import os
import pkgutil
import sys

import erp_bridge_client
from erp_bridge_client import AuthenticatedClient
from erp_bridge_client.api.events import get_event, list_events
from erp_bridge_client.api.observation import get_stats

for module in pkgutil.walk_packages(erp_bridge_client.__path__, "erp_bridge_client."):
    importlib.import_module(module.name)

client = AuthenticatedClient(base_url=sys.argv[1], token=os.environ["ERP_BRIDGE_TOKEN"], raise_on_unexpected_status=True)
seen, page = [], list_events.sync(client=client, limit=2)
while page is not None:
    seen.extend(page.items)
    page = list_events.sync(client=client, limit=2, cursor=page.next_cursor) if page.next_cursor else None
stats = get_stats.sync(client=client)
for item in seen:
    assert get_event.sync(item.id, client=client).id == item.id
print(f"{len(seen)} events, {', '.join(sorted({item.status.value for item in seen}))}, {stats.contacts} contact")
