//! How `server.request_memory` is parted: each connection that may be open has its part from the start, and what is left over is
//! for bodies that need more.

use super::ServerConfig;

/// Connections beyond `server.max_connections` that are still taken, for webhooks and probes alone.
pub(crate) const RESERVE: usize = 64;
/// Connections of `server.admin_listen` at most, besides a reserve of its own, and what an address may have of them.
const ADMIN_CONNECTIONS: usize = 512;
const ADMIN_SHARE: usize = 4;
/// Largest head of a request, in bytes: what is buffered of a connection at most before it has come to its end.
pub(crate) const HEAD_BYTES: usize = 16 * 1_024;
/// So much of a body stands on its connection's own account, in bytes. So the usual request gets through whatever others send.
pub(crate) const FIRST_BODY_BYTES: usize = 16 * 1_024;
/// What a connection has from the start: the buffer of a head, which grows to twice its size, and the first bytes of a body.
const CONNECTION_BYTES: usize = 2 * HEAD_BYTES + FIRST_BODY_BYTES;
/// What is left for longer bodies at least, which is the largest that `server.body_limit` may allow; and where nothing else is written.
const LEFT_MIN: u64 = 16 * 1_024 * 1_024;
const LEFT_USUAL: u64 = 64 * 1_024 * 1_024;

impl ServerConfig {
    /// How many connections `server.admin_listen` takes.
    pub(crate) fn admin_connections(&self) -> usize {
        self.max_connections.min(ADMIN_CONNECTIONS)
    }

    /// How many of them one address may have; 0 sets no limit.
    pub(crate) fn admin_connections_per_address(&self) -> usize {
        self.max_connections_per_address.min((self.admin_connections() / ADMIN_SHARE).max(1))
    }

    /// What the heads and the first bytes of bodies of all connections take at most.
    fn connections_memory(&self) -> u64 {
        let admin = if self.admin_listen.is_some() { self.admin_connections() + RESERVE } else { 0 };
        ((self.max_connections + RESERVE + admin) * CONNECTION_BYTES) as u64
    }

    /// What holds the part of every connection and leaves room for longer bodies.
    pub(super) fn usual_request_memory(&self) -> u64 {
        self.connections_memory() + LEFT_USUAL
    }

    /// `server.request_memory` as it counts: every connection has its part, and there is some room for longer bodies.
    pub(super) fn held_request_memory(&self) -> u64 {
        self.request_memory.max(self.connections_memory() + LEFT_MIN)
    }

    /// What it leaves for all that bodies take beyond their first bytes.
    pub(crate) fn long_bodies_memory(&self) -> u64 {
        self.held_request_memory() - self.connections_memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connections_may_take_is_a_part_of_the_memory_for_requests() {
        const KIB: u64 = 1_024;
        let server = ServerConfig { max_connections: 36, request_memory: 64 * KIB * KIB, ..ServerConfig::default() };
        assert_eq!(server.connections_memory(), 100 * 48 * KIB);
        assert_eq!(server.long_bodies_memory(), (64 * KIB - 4_800) * KIB);
        let admin = ServerConfig { admin_listen: "127.0.0.1:0".parse().ok(), ..server };
        assert_eq!(admin.connections_memory(), 200 * 48 * KIB);
        let many = ServerConfig { max_connections: 2_048, ..admin };
        assert_eq!(many.connections_memory(), (2_048 + 64 + 512 + 64) * 48 * KIB);
    }

    #[test]
    fn longer_bodies_always_have_some_room_however_many_connections_there_are() {
        for max_connections in [1, 36, 2_048, 2_600, 10_000, 100_000] {
            let server = ServerConfig { max_connections, request_memory: 1, ..ServerConfig::default() };
            assert_eq!(server.long_bodies_memory(), LEFT_MIN, "{max_connections}");
            let usual = ServerConfig { request_memory: server.usual_request_memory(), ..server };
            assert_eq!(usual.long_bodies_memory(), LEFT_USUAL, "{max_connections}");
        }
    }

    #[test]
    fn one_address_has_a_share_of_the_connections_of_the_admin_address() {
        for (all, each, share) in [(2_048, 512, 128), (2_048, 100, 100), (2_048, 0, 0), (8, 8, 2), (1, 512, 1)] {
            let server =
                ServerConfig { max_connections: all, max_connections_per_address: each, ..ServerConfig::default() };
            assert_eq!(server.admin_connections_per_address(), share, "{each} of {all}");
        }
    }
}
