"""gRPC as every room uses it: `serve` mounts servicers on an address, `dial` opens a channel to one."""

from services.common.rpc.admission import admitted
from services.common.rpc.affinity import keyed
from services.common.rpc.client import Dial, dial
from services.common.rpc.forwarding import forward
from services.common.rpc.server import AddressInUse, Mount, is_serving, serve

__all__ = ["AddressInUse", "Dial", "Mount", "admitted", "dial", "forward", "is_serving", "keyed", "serve"]
