//! How `server.request_memory` is parted: each connection that may be open has its part from the start, and what is left over is
//! for bodies that need more.

use super::ServerConfig;

/// Connections beyond `server.max_connections` that are still taken, for webhooks and probes alone.
pub(crate) const RESERVE: usize = 64;
/// Connections of `server.admin_listen` at most, besides a reserve of its own.
const ADMIN_CONNECTIONS: usize = 256;
/// Largest head of a request, in bytes: what is buffered of a connection at most before it has come to its end.
pub(crate) const HEAD_BYTES: usize = 16 * 1_024;
/// So much of a body stands on its connection's own account, in bytes. So the usual request gets through whatever others send.
pub(crate) const FIRST_BODY_BYTES: usize = 16 * 1_024;
/// What a connection has from the start: the buffer of a head, which grows to twice its size, and the first bytes of a body.
const CONNECTION_BYTES: usize = 2 * HEAD_BYTES + FIRST_BODY_BYTES;
/// What is left for longer bodies at least.
const LEFT_MIN: u64 = 1_024 * 1_024;

impl ServerConfig {
    /// How many connections `server.admin_listen` takes.
    pub(crate) fn admin_connections(&self) -> usize {
        self.max_connections.min(ADMIN_CONNECTIONS)
    }

    /// What the heads and the first bytes of bodies of all connections take at most.
    fn connections_memory(&self) -> u64 {
        let admin = if self.admin_listen.is_some() { self.admin_connections() + RESERVE } else { 0 };
        ((self.max_connections + RESERVE + admin) * CONNECTION_BYTES) as u64
    }

    /// What `server.request_memory` leaves for all that bodies take beyond their first bytes.
    pub(crate) fn long_bodies_memory(&self) -> u64 {
        self.request_memory.saturating_sub(self.connections_memory())
    }

    /// What `server.request_memory` has to be at least: every connection has its part, and one largest body gets through.
    pub(super) fn request_memory_min(&self) -> u64 {
        self.connections_memory() + self.body_limit.max(LEFT_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connections_may_take_is_a_part_of_the_memory_for_requests() {
        let server = ServerConfig { max_connections: 36, request_memory: 6 * 1_024 * 1_024, ..ServerConfig::default() };
        assert_eq!(server.connections_memory(), 100 * 48 * 1_024);
        assert_eq!(server.long_bodies_memory(), (6 * 1_024 - 4_800) * 1_024);
        let admin = ServerConfig { admin_listen: "127.0.0.1:0".parse().ok(), ..server };
        assert_eq!(admin.connections_memory(), 200 * 48 * 1_024);
        assert_eq!(admin.long_bodies_memory(), 0);
        let many = ServerConfig { max_connections: 2_048, ..admin };
        assert_eq!(many.connections_memory(), (2_048 + 64 + 256 + 64) * 48 * 1_024);
    }
}
