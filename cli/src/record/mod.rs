//! `serve --record FILE`: everything that decides what a server does, written while it does it, and `iaxproof replay FILE`, which has the same
//! sources do it again and compares what comes out.
//!
//! Each *actor* (the start, each worker, the realtime thread, the operator) gives its inputs one by one to its [`Tape`]; what the shipped code
//! makes of an input follows from it, from what the actor was given before, and from the order in which actors took the locks of the catalog.
//! That order is what the family [`Taped`] stamps, under each lock. So a replay is the same code on threads of its own, each waiting at a lock
//! until it is its turn.
//!
//! - [`family`]: the locks; [`hand`]: the order in which threads take them. [`order`]: waiting for it, in a replay.
//! - [`input`]: what an actor is given; [`output`]: what came of it, folded into a hash. [`coded`], [`values`]: both as octets.
//! - [`tape`]: an actor's end of a recording. [`writer`]: the thread at the other end. [`file`](mod@file): the file.
//! - [`alias`]: other secrets for those of the configuration, and the frames that prove them, or are encrypted by them, changed to fit.
//! - [`replay`]: the other way.
//!
//! # What is in the file
//!
//! No secret of a configuration or a row, and nothing that was computed from one, as the key of an encrypted call is: see [`alias`]. But the
//! seeds of the endpoints are, which tell the challenges to come for as long as the server runs, and what is said in calls: in encrypted ones
//! too, for their keys follow from aliases that are in the file. So its mode is 0600.
//!
//! # What it costs
//!
//! Measured with 100,000 registrations, of four datagrams each way, on two cores of a machine that had other work too, as processor time for each
//! datagram that comes: workers need 1 µs more than 5 to 6 (0.7 to 1.8), the thread that writes 2.2 µs (1.9 to 2.7). The file has 62 octets
//! for each. Where hammer, server and that thread share the two
//! cores, 8 to 43 % fewer registrations a second are granted (eight pairs of runs, the machine as busy).
//!
//! # What is not recorded
//!
//! Who only looks (`ctl peers`, `/metrics`) takes locks too, but leaves no stamp: nothing depends on it. Nor does anything depend on which
//! thread gives the last reference to an object back, so counts of references are not stamped, and neither are the locks that a destructor
//! takes: nobody else has the object then.

pub(crate) mod alias;
pub(crate) mod coded;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod hand;
pub(crate) mod input;
pub(crate) mod order;
pub(crate) mod output;
pub(crate) mod replay;
pub(crate) mod tape;
mod values;
pub(crate) mod writer;

pub(crate) use family::Taped;
pub(crate) use tape::Tape;
