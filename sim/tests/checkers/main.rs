//! The checkers see what they are for: each file holds made-up stories with one step that must not happen. They are one program,
//! since linking the world costs more than what is in them.

mod dialled;
mod features;
mod linearizable;
mod properties;
mod registrations;
mod story;
mod transferred;
