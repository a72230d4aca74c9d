//! Any octets as one datagram: reading is total, and what was read is written back as the same frame.

use iaxproof::wire::{DecodeError, Frame};

/// Reads the octets as a datagram. A frame must encode to as many octets as it says and read back as itself, and the
/// second writing must equal the first; a refusal must name an octet of the datagram or the one behind its last. Both
/// must print as one line.
///
/// # Panics
///
/// Where one of these does not hold: a defect of `wire`.
pub fn frame(octets: &[u8]) {
    match Frame::parse(octets) {
        Ok(frame) => agrees(&frame),
        Err(error) => is_precise(error, octets),
    }
}

fn agrees(frame: &Frame<'_>) {
    let first = encoded(frame);
    assert_eq!(first.len(), frame.encoded_len(), "encoded_len of {frame}");
    let again = Frame::parse(&first);
    assert_eq!(again, Ok(*frame), "what was written reads otherwise");
    assert_eq!(again.as_ref().map(encoded), Ok(first.clone()));
    is_one_line(&frame.to_string());
}

fn is_precise(error: DecodeError, octets: &[u8]) {
    assert!(error.offset <= octets.len(), "no such octet: {error}");
    is_one_line(&error.to_string());
}

fn is_one_line(text: &str) {
    let printable = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    assert!(printable && !text.is_empty(), "not one line: {text:?}");
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}
