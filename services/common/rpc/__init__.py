"""gRPC as every room uses it: `serve` mounts servicers on an address, `dial` opens a channel to one."""

from services.common.rpc.client import dial
from services.common.rpc.server import Mount, serve

__all__ = ["Mount", "dial", "serve"]
