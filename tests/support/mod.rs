//! What the tests share. Nothing here sleeps outside [`wait`].

pub(crate) mod servers;
