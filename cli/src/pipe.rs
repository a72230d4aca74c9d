//! What becomes of us where nobody reads any more what we print, as in `iaxproof replay FILE | head`.

/// From here on, writing to a pipe that nobody reads ends the process without a word, by SIGPIPE, as other programs end (exit code 141 in a
/// shell). Rust ignores that signal, and `println!` then panics. A server does not call this: it goes on without its reader.
pub(crate) fn end_with_the_reader() {
    #[cfg(unix)]
    {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;

        let always = Arc::new(AtomicBool::new(true));
        let pipe = signal_hook::consts::SIGPIPE;
        // Where it cannot be had, a closed pipe is as loud as before.
        let _ = signal_hook::flag::register_conditional_default(pipe, always);
    }
}
