//! The containers through the library's public interface, one file per way to look at them; [`bench`] is what they share.

mod bench;

mod iteration;
mod ledger;
mod properties;
mod storm;
mod texts;
mod threads;
