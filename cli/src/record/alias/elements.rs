//! Elements of frames as octets: of what is no good frame each octet that is not changed stays, so that it is no good frame still.

use iaxproof::wire::{CallNumber, FullFrame, Head, IaxCommand, IeCode};

/// The frame type of IAX control frames (RFC 5456 §8.3).
const IAX: u8 = 6;
/// Where a full frame has its type.
pub(super) const TYPE_OFFSET: usize = 10;
/// And where its subclass.
const SUBCLASS_OFFSET: usize = 11;

// The codes of the elements that name who logs in, or prove it.
pub(super) const USERNAME: u8 = IeCode::Username as u8;
pub(super) const PASSWORD: u8 = IeCode::Password as u8;
pub(super) const CHALLENGE: u8 = IeCode::Challenge as u8;
pub(super) const MD5_RESULT: u8 = IeCode::Md5Result as u8;
pub(super) const PROVISIONING: u8 = IeCode::Provisioning as u8;
pub(super) const AES_PROVISIONING: u8 = IeCode::AesProvisioning as u8;
pub(super) const CALL_TOKEN: u8 = IeCode::CallToken as u8;

/// As many octets that say nothing, and prove nothing.
pub(super) fn put_out(content: &[u8]) -> Vec<u8> {
    vec![b'x'; content.len()]
}

/// An IAX control frame.
pub(super) struct Iax {
    /// The sender's call number.
    pub(super) source: CallNumber,
    /// The receiver's.
    pub(super) destination: CallNumber,
    /// Which message it is.
    pub(super) subclass: IaxCommand,
}

impl Iax {
    /// The head of one; `None` for other frames, and for what is too short.
    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        let Head::Full {
            source,
            destination,
        } = Head::peek(octets)?
        else {
            return None;
        };
        let subclass = octets.get(SUBCLASS_OFFSET)?;
        (octets[TYPE_OFFSET] == IAX).then(|| Iax {
            source,
            destination,
            subclass: IaxCommand::from_octet(*subclass),
        })
    }
}

/// The elements of a frame, each by its code; the last may be cut off.
pub(super) fn elements(octets: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut left = octets.get(FullFrame::HEADER_LEN..).unwrap_or_default();
    core::iter::from_fn(move || {
        let (code, rest) = left.split_first()?;
        let (len, rest) = rest.split_first()?;
        let (content, rest) = rest.split_at_checked((*len).into()).unwrap_or((rest, &[]));
        left = rest;
        Some((*code, content))
    })
}

/// The frame with other contents of some elements; `None` where none is changed.
pub(super) fn changed(
    octets: &[u8],
    mut change: impl FnMut(u8, &[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut at = FullFrame::HEADER_LEN;
    for (code, content) in elements(octets) {
        let end = at + 2 + content.len();
        let is_cut = usize::from(octets[at + 1]) != content.len();
        // Half a secret is half a secret.
        let new = match is_cut && matches!(code, PASSWORD | MD5_RESULT | PROVISIONING) {
            true => Some(put_out(content)),
            false => change(code, content),
        };
        match (&mut out, new) {
            (None, None) => {}
            (Some(out), None) => out.extend(&octets[at..end]),
            (out, Some(new)) => {
                let out = out.get_or_insert_with(|| octets[..at].to_vec());
                let len = match is_cut {
                    true => octets[at + 1],
                    false => new.len() as u8,
                };
                out.extend([code, len]);
                out.extend(new);
            }
        }
        at = end;
    }
    if let Some(out) = &mut out {
        out.extend(&octets[at..]);
    }
    out
}
