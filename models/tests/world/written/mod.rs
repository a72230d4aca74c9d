//! What `iaxproof shrink` writes, kept as it wrote it, so that it is known to compile and to fail where its world does. That it writes just
//! this of the plans beside it is checked by the tests of the command (`cli/tests/command/shrink.rs`).

mod list_of_2007;
mod settings_rewritten_under_a_call;
