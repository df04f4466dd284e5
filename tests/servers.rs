//! The throwaway servers themselves.

use crate::support::servers;

#[test]
fn servers_start() {
    for s in [servers::postgres_15(), servers::postgres_18()] {
        eprintln!("{} {}", s.description(), s.port());
    }
    eprintln!("{}", servers::kafka().bootstrap());
}
