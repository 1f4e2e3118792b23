//! One packet for every link type and tunnel.
