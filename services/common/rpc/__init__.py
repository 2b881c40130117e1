"""gRPC as every room uses it: `serve` mounts servicers on an address, `dial` opens a channel to one.

Many short calls to one process cost half as much in a `Conversation`, on one stream.
"""

from services.common.rpc.admission import admitted
from services.common.rpc.affinity import keyed
from services.common.rpc.client import Dial, dial
from services.common.rpc.conversation import Conversation
from services.common.rpc.forwarding import forward
from services.common.rpc.server import AddressInUse, Mount, is_serving, serve

__all__ = [
    "AddressInUse",
    "Conversation",
    "Dial",
    "Mount",
    "admitted",
    "dial",
    "forward",
    "is_serving",
    "keyed",
    "serve",
]
