//! The server before and beside the stream: preflight, slot, publication, identity, catalog facts, lag.
//!
//! Owns everything that is asked of PostgreSQL in SQL, over an ordinary connection ([`sql::Sql`]). The
//! replication connection and its commands belong to the wire room.
//!
//! Invariants:
//! - Every name that enters a statement goes through [`ident::QuotedIdent`] or a parameter.
//! - The publication is made before the slot: a slot decodes with the catalog of its own past, and a publication
//!   that did not exist at a position cannot be used there.
//! - A slot is never dropped and never made again here: whoever lost one has a gap, and an operator decides.
//!
//! Must never decode a change, and never read a row of a user's table.

pub mod binary;
pub mod capture;
pub mod facts;
pub mod ident;
pub mod identity;
pub mod lag;
pub mod preflight;
pub mod publication;
pub mod setup;
pub mod slot;
pub mod sql;
mod tables;
