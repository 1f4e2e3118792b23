"""The block list as a program in the kernel, so that what no block holds costs the sensor nothing.

The program is assembled here and loaded by bpf(2): neither a compiler nor a library is needed. For ``socket``
it is attached to the capture sockets, for ``xdp`` to the driver of a dedicated tap port.
"""

from sensor.prefilter.counts import Count
from sensor.prefilter.filter import WHOLE_PACKET, Hook, Prefilter

__all__ = ["WHOLE_PACKET", "Count", "Hook", "Prefilter"]
