//! Subclasses: what a frame type says in its last octet of header, and the coding of that octet.
//!
//! With the C bit (0x80) clear the low seven bits are the value; with it set they are an exponent and the value is
//! 2^n (RFC 5456 §8.1.1), n of six bits (chan_iax2). `0xff` is not 2^63 but -1 (chan_iax2).

use core::fmt;

use super::format::Format;

/// The C bit.
const C_BIT: u8 = 0x80;
/// The bits of the exponent.
const EXPONENT: u8 = 0x3f;
/// The octet that means -1.
const MINUS_ONE: u8 = 0xff;
/// The picture-end marker in the subclass octet of a VIDEO frame (chan_iax2).
const MARKER: u8 = 0x40;

/// A value below 128 in either spelling as itself; every other octet as it stands, 0x80 and above.
pub(super) const fn plain(octet: u8) -> u8 {
    let exponent = octet & EXPONENT;
    if octet & C_BIT != 0 && octet != MINUS_ONE && exponent < 7 {
        1 << exponent
    } else {
        octet
    }
}

/// The value of the octet in 64 bits, where it has one.
const fn value(octet: u8) -> Option<u64> {
    match octet {
        MINUS_ONE => None,
        _ if octet & C_BIT != 0 => Some(1 << (octet & EXPONENT)),
        _ => Some(octet as u64),
    }
}

/// The format that the subclass of a VOICE or IMAGE frame names; `None` where it names none, or several at once.
pub(super) fn format(octet: u8) -> Option<Format> {
    value(octet).and_then(Format::from_mask)
}

/// The subclass octet of a format.
pub(super) const fn format_octet(format: Format) -> u8 {
    if format.bit() < 7 {
        1 << format.bit()
    } else {
        C_BIT | format.bit()
    }
}

/// The format and the marker that the subclass of a VIDEO frame names. The marker is taken out before the octet is read
/// (chan_iax2), so here `0xff` is bit 63 with a marker.
pub(super) fn video_format(octet: u8) -> Option<(Format, bool)> {
    Some((format(octet & !MARKER)?, octet & MARKER != 0))
}

/// The subclass octet of a video format. Bit 6 is spelt as a power of two, for plainly it would read as the marker.
pub(super) const fn video_format_octet(format: Format, marker: bool) -> u8 {
    let octet = if format.bit() == 6 {
        C_BIT | 6
    } else {
        format_octet(format)
    };
    if marker { octet | MARKER } else { octet }
}

macro_rules! subclasses {
    (
        $(#[$doc:meta])* $type:ident, $(#[$unknown_doc:meta])* $unknown:ident;
        $($(#[$variant_doc:meta])* $name:ident = $value:literal, $text:literal;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $name,)*
            /// Any other subclass octet, kept as it came.
            Unknown($unknown),
        }

        $(#[$unknown_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $unknown(u8);

        impl $unknown {
            /// The octet as it came.
            pub const fn octet(self) -> u8 {
                self.0
            }
        }

        impl $type {
            /// Every one that has a name here, by rising value.
            pub const NAMED: &'static [$type] = &[$($type::$name),*];

            /// What the subclass octet says, in either spelling.
            pub const fn from_octet(octet: u8) -> Self {
                match plain(octet) {
                    $($value => $type::$name,)*
                    _ => $type::Unknown($unknown(octet)),
                }
            }

            /// The subclass octet.
            pub const fn octet(self) -> u8 {
                match self {
                    $($type::$name => $value,)*
                    $type::Unknown(unknown) => unknown.0,
                }
            }

            /// The name, where it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $($type::$name => Some($text),)*
                    $type::Unknown(_) => None,
                }
            }
        }

        /// The name, or the octet where it has none: `0x29`.
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#04x}", self.octet()),
                }
            }
        }
    };
}

subclasses! {
    /// The subclass of an IAX frame (RFC 5456 §8.4).
    IaxCommand,
    /// An IAX subclass without a name here; made by [`IaxCommand::from_octet`] alone.
    UnknownIaxCommand;
    /// Opens a call (RFC 5456 §6.2.2).
    New = 0x01, "NEW";
    /// Asks for a sign of life (RFC 5456 §6.7.2).
    Ping = 0x02, "PING";
    /// Answers PING or POKE (RFC 5456 §6.7.3).
    Pong = 0x03, "PONG";
    /// Acknowledges (RFC 5456 §6.9.1).
    Ack = 0x04, "ACK";
    /// Ends a call (RFC 5456 §6.2.5).
    Hangup = 0x05, "HANGUP";
    /// Refuses a call (RFC 5456 §6.2.4).
    Reject = 0x06, "REJECT";
    /// Accepts a call (RFC 5456 §6.2.3).
    Accept = 0x07, "ACCEPT";
    /// Asks for authentication (RFC 5456 §6.2.7).
    AuthReq = 0x08, "AUTHREQ";
    /// Authenticates (RFC 5456 §6.2.6).
    AuthRep = 0x09, "AUTHREP";
    /// Says that there is no such call (RFC 5456 §6.9.2).
    Inval = 0x0a, "INVAL";
    /// Measures lag (RFC 5456 §6.7.4).
    LagRq = 0x0b, "LAGRQ";
    /// Answers LAGRQ (RFC 5456 §6.7.5).
    LagRp = 0x0c, "LAGRP";
    /// Registers (RFC 5456 §6.1.2).
    RegReq = 0x0d, "REGREQ";
    /// Asks a registrant for authentication (RFC 5456 §6.1.3).
    RegAuth = 0x0e, "REGAUTH";
    /// Accepts a registration (RFC 5456 §6.1.4).
    RegAck = 0x0f, "REGACK";
    /// Refuses a registration (RFC 5456 §6.1.5).
    RegRej = 0x10, "REGREJ";
    /// Releases a registration (RFC 5456 §6.1.6).
    RegRel = 0x11, "REGREL";
    /// Asks for what is missing (RFC 5456 §6.9.3).
    Vnak = 0x12, "VNAK";
    /// Asks about a number (RFC 5456 §6.8.1).
    DpReq = 0x13, "DPREQ";
    /// Answers DPREQ (RFC 5456 §6.8.2).
    DpRep = 0x14, "DPREP";
    /// Dials a number in a call without one (RFC 5456 §6.8.3).
    Dial = 0x15, "DIAL";
    /// Asks an end to transfer (RFC 5456 §6.5.1).
    TxReq = 0x16, "TXREQ";
    /// Tries the new path of a transfer (RFC 5456 §6.5.2).
    TxCnt = 0x17, "TXCNT";
    /// Answers TXCNT (RFC 5456 §6.5.3).
    TxAcc = 0x18, "TXACC";
    /// Tells the middle that the new path works (RFC 5456 §6.5.4).
    TxReady = 0x19, "TXREADY";
    /// Releases the middle of a transfer (RFC 5456 §6.5.5).
    TxRel = 0x1a, "TXREL";
    /// Refuses a transfer (RFC 5456 §6.5.7).
    TxRej = 0x1b, "TXREJ";
    /// Asks for silence (RFC 5456 §6.4.4).
    Quelch = 0x1c, "QUELCH";
    /// Ends silence (RFC 5456 §6.4.5).
    Unquelch = 0x1d, "UNQUELCH";
    /// Asks for a sign of life outside a call (RFC 5456 §6.7.1).
    Poke = 0x1e, "POKE";
    /// Reserved, unused.
    Page = 0x1f, "PAGE";
    /// Messages wait (RFC 5456 §6.9.4).
    Mwi = 0x20, "MWI";
    /// Names a subclass that was not understood (RFC 5456 §6.9.5).
    Unsupport = 0x21, "UNSUPPORT";
    /// Sends the call elsewhere (RFC 5456 §6.4.6).
    Transfer = 0x22, "TRANSFER";
    /// Provisions a device; reserved in the RFC.
    Provision = 0x23, "PROVISION";
    /// Asks for firmware; reserved in the RFC.
    FwDownl = 0x24, "FWDOWNL";
    /// Firmware; reserved in the RFC.
    FwData = 0x25, "FWDATA";
    /// Transfers media alone (RFC 5456 §6.5.6).
    TxMedia = 0x26, "TXMEDIA";
    /// Rotates the key (chan_iax2).
    RtKey = 0x27, "RTKEY";
    /// Gives a call token (chan_iax2).
    CallToken = 0x28, "CALLTOKEN";
}

impl IaxCommand {
    /// Whether the frame takes a sequence number: all do but ACK, INVAL, VNAK, TXCNT and TXACC (RFC 5456 §7).
    pub const fn consumes_sequence_number(self) -> bool {
        use IaxCommand::{Ack, Inval, TxAcc, TxCnt, Vnak};
        !matches!(self, Ack | Inval | Vnak | TxCnt | TxAcc)
    }

    /// Whether the frame may come without a destination call and open a dialogue (RFC 5456 §6.2.2, §6.7.1; chan_iax2).
    pub const fn opens_dialogue(self) -> bool {
        use IaxCommand::{FwDownl, New, Poke, RegRel, RegReq};
        matches!(self, New | RegReq | RegRel | Poke | FwDownl)
    }
}

impl UnknownIaxCommand {
    /// What UNSUPPORT says of it: the value cut to eight bits (chan_iax2).
    pub const fn reported(self) -> u8 {
        match value(self.0) {
            Some(value) => (value & 0xff) as u8,
            None => MINUS_ONE,
        }
    }
}

subclasses! {
    /// The subclass of a CONTROL frame (RFC 5456 §8.3; above 17 as Asterisk numbers them).
    Control,
    /// A CONTROL subclass without a name here; made by [`Control::from_octet`] alone.
    UnknownControl;
    /// The other side hung up.
    Hangup = 1, "HANGUP";
    /// Local ring; reserved in the RFC.
    Ring = 2, "RING";
    /// The remote phone rings.
    Ringing = 3, "RINGING";
    /// The remote phone was answered.
    Answer = 4, "ANSWER";
    /// The remote phone is busy.
    Busy = 5, "BUSY";
    /// Take the phone off the hook; reserved in the RFC.
    TakeOffHook = 6, "TAKEOFFHOOK";
    /// The line is off the hook; reserved in the RFC.
    OffHook = 7, "OFFHOOK";
    /// Congestion.
    Congestion = 8, "CONGESTION";
    /// Flash hook.
    Flash = 9, "FLASH";
    /// Wink; reserved in the RFC.
    Wink = 10, "WINK";
    /// An option of a channel; never obeyed, never sent.
    Option = 11, "OPTION";
    /// The radio key is down.
    RadioKey = 12, "KEY RADIO";
    /// The radio key is up.
    RadioUnkey = 13, "UNKEY RADIO";
    /// The call makes progress.
    Progress = 14, "PROGRESS";
    /// The call proceeds.
    Proceeding = 15, "PROCEEDING";
    /// The call is put on hold; data is a music class, if any.
    Hold = 16, "HOLD";
    /// The call is taken from hold.
    Unhold = 17, "UNHOLD";
    /// A whole picture is wanted.
    VidUpdate = 18, "VIDUPDATE";
    /// T.38, deprecated.
    T38 = 19, "T38";
    /// The media source changed.
    SrcUpdate = 20, "SRCUPDATE";
    /// Status of a transfer.
    Transfer = 21, "TRANSFER";
    /// Who is connected.
    ConnectedLine = 22, "CONNECTED LINE";
    /// Who redirected.
    Redirecting = 23, "REDIRECTING";
    /// T.38 parameters.
    T38Parameters = 24, "T38 PARAMETERS";
    /// Call completion.
    CallCompletion = 25, "CC";
    /// The media source was replaced.
    SrcChange = 26, "SRCCHANGE";
    /// Asks the receiving side to act.
    ReadAction = 27, "READ ACTION";
    /// Advice of charge.
    AdviceOfCharge = 28, "AOC";
    /// The queue ends.
    EndOfQueue = 29, "END OF Q";
    /// The number is not complete.
    Incomplete = 30, "INCOMPLETE";
    /// The call is malicious.
    MaliciousCallId = 31, "MCID";
    /// The RTP peer changed.
    UpdateRtpPeer = 32, "UPDATE RTP PEER";
    /// A cause of the technology.
    PrivateCauseCode = 33, "PVT CAUSE CODE";
    /// Stop playing tones: -1, sent by Asterisk behind ANSWER.
    StopSounds = 0xff, "STOP SOUNDS";
}

subclasses! {
    /// The subclass of an HTML frame (RFC 5456 §8.5).
    Html,
    /// An HTML subclass without a name here; made by [`Html::from_octet`] alone.
    UnknownHtml;
    /// A URL.
    Url = 1, "URL";
    /// Data.
    Data = 2, "DATA";
    /// Data begins.
    Begin = 4, "BEGIN";
    /// Data ends.
    End = 8, "END";
    /// The page is loaded.
    LoadComplete = 0x10, "LOAD COMPLETE";
    /// HTML is not supported.
    NotSupported = 0x11, "NOT SUPPORTED";
    /// A URL to be linked.
    LinkUrl = 0x12, "LINK URL";
    /// Ends a link.
    Unlink = 0x13, "UNLINK";
    /// Refuses a link.
    RejectLink = 0x14, "REJECT LINK";
}

subclasses! {
    /// The subclass of a MODEM frame (Asterisk `frame.h`; not in the RFC).
    Modem,
    /// A MODEM subclass without a name here; made by [`Modem::from_octet`] alone.
    UnknownModem;
    /// T.38 fax.
    T38 = 1, "T.38";
    /// V.150 modem.
    V150 = 2, "V.150";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_reads_in_either_spelling_and_writes_in_one() {
        assert_eq!(format(0x08), Some(Format::ALAW));
        assert_eq!(format(0x83), Some(Format::ALAW));
        assert_eq!(format(0x88), Some(Format::G729));
        assert_eq!(format_octet(Format::ALAW), 0x08);
        assert_eq!(format_octet(Format::SLIN), 0x40);
        assert_eq!(format_octet(Format::LPC10), 0x87);
        assert_eq!(format_octet(Format::OPUS), 0xa2);
    }

    #[test]
    fn several_formats_none_and_minus_one_name_no_format() {
        assert_eq!([0x06, 0x00, 0x7f, 0xff].map(format), [None; 4]);
    }

    /// X-FRM-2.
    #[test]
    fn the_video_marker_is_taken_out_first() {
        assert_eq!(video_format(0xd3), Some((Format::H263, true)));
        assert_eq!(video_format(0x93), Some((Format::H263, false)));
        assert_eq!(video_format(0xd5), Some((Format::H264, true)));
        assert_eq!(video_format(0x40), None);
        assert_eq!(video_format_octet(Format::H264, true), 0xd5);
        assert_eq!(video_format_octet(Format::SLIN, false), 0x86);
        assert_eq!(video_format_octet(Format::SLIN, true), 0xc6);
    }

    #[test]
    fn stop_sounds_is_minus_one() {
        assert_eq!(Control::from_octet(0xff), Control::StopSounds);
        assert_eq!(Control::StopSounds.octet(), 0xff);
        assert_eq!(Control::from_octet(0x82), Control::Answer);
    }

    #[test]
    fn unsupport_reports_the_value_cut_to_eight_bits() {
        let reported = |octet| match IaxCommand::from_octet(octet) {
            IaxCommand::Unknown(unknown) => Some(unknown.reported()),
            _ => None,
        };
        assert_eq!(reported(0x7e), Some(0x7e));
        assert_eq!(reported(0x8a), Some(0x00));
        assert_eq!(reported(0x87), Some(0x80));
        assert_eq!(reported(0xff), Some(0xff));
        assert_eq!(reported(0x85), None, "2^5 is MWI");
    }

    #[test]
    fn names() {
        assert_eq!(IaxCommand::RegReq.to_string(), "REGREQ");
        assert_eq!(IaxCommand::from_octet(0x29).to_string(), "0x29");
        assert_eq!(Html::from_octet(0x84), Html::LoadComplete);
        assert_eq!(Modem::from_octet(1), Modem::T38);
    }

    #[test]
    fn five_commands_take_no_sequence_number() {
        let exempt: Vec<_> = IaxCommand::NAMED
            .iter()
            .filter(|command| !command.consumes_sequence_number())
            .map(|command| command.octet())
            .collect();
        assert_eq!(exempt, [0x04, 0x0a, 0x12, 0x17, 0x18]);
    }
}
