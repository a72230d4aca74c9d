//! What a full frame carries: frame type, subclass and data (RFC 5456 §8.2).

use core::fmt;

use super::error::DecodeError;
use super::format::Format;
use super::ie::InformationElements;
use super::show::{Octets, Text};
use super::subclass::{self, Control, Html, IaxCommand, Modem};

const DTMF_END: u8 = 0x01;
const VOICE: u8 = 0x02;
const VIDEO: u8 = 0x03;
const CONTROL: u8 = 0x04;
const NULL: u8 = 0x05;
const IAX: u8 = 0x06;
const TEXT: u8 = 0x07;
const IMAGE: u8 = 0x08;
const HTML: u8 = 0x09;
const COMFORT_NOISE: u8 = 0x0a;
const MODEM: u8 = 0x0b;
const DTMF_BEGIN: u8 = 0x0c;

/// Frame type, subclass and data of a full frame, one variant per frame type (RFC 5456 §8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A digit ends; a peer that knows no [`DtmfBegin`](Body::DtmfBegin) sees one digit (RFC 5456 §8.2.1).
    DtmfEnd(Digit),
    /// A digit begins (chan_iax2; X-FRM-7).
    DtmfBegin(Digit),
    /// Audio in a format, which later mini frames keep (RFC 5456 §8.2.2).
    Voice {
        /// One bit, known by name or not.
        format: Format,
        /// Codec data.
        data: &'a [u8],
    },
    /// Video in a format, which later mini video frames keep (RFC 5456 §8.2.3).
    Video {
        /// One bit, known by name or not.
        format: Format,
        /// Whether a picture ends here (chan_iax2).
        marker: bool,
        /// Codec data.
        data: &'a [u8],
    },
    /// Session control (RFC 5456 §8.2.4).
    Control {
        /// What happened to the session.
        control: Control,
        /// Mostly none.
        data: &'a [u8],
    },
    /// Nothing; not to be sent (RFC 5456 §8.2.5).
    Null,
    /// Protocol control (RFC 5456 §8.2.6).
    Iax {
        /// The message.
        command: IaxCommand,
        /// Its information elements.
        ies: InformationElements<'a>,
    },
    /// UTF-8, best sent with a NUL at its end as part of the data (RFC 5456 §8.2.7).
    Text(&'a [u8]),
    /// One whole image (RFC 5456 §8.2.8).
    Image {
        /// One bit, known by name or not.
        format: Format,
        /// The image.
        data: &'a [u8],
    },
    /// HTML (RFC 5456 §8.2.9).
    Html {
        /// What the data is.
        html: Html,
        /// As the subclass says.
        data: &'a [u8],
    },
    /// Comfort noise (RFC 5456 §8.2.10).
    ComfortNoise(NoiseLevel),
    /// Fax or modem (Asterisk `frame.h`; not in the RFC).
    Modem {
        /// Which of them.
        modem: Modem,
        /// As the subclass says.
        data: &'a [u8],
    },
    /// A frame type that is not known, or a subclass that has no meaning in its frame type. It takes a sequence number
    /// and is acknowledged; its content is dropped.
    Unknown(UnknownBody<'a>),
}

impl<'a> Body<'a> {
    /// What the two octets and the data say. Any frame can be made this way, also those without a meaning.
    ///
    /// # Errors
    ///
    /// Where the frame type is IAX and the data is no list of information elements; offsets count from the data.
    pub fn from_parts(frame_type: u8, subclass: u8, data: &'a [u8]) -> Result<Self, DecodeError> {
        if frame_type == IAX {
            return Ok(Body::Iax {
                command: IaxCommand::from_octet(subclass),
                ies: InformationElements::parse(data)?,
            });
        }
        let unknown = UnknownBody {
            frame_type,
            subclass,
            data,
        };
        Ok(Body::with_meaning(unknown).unwrap_or(Body::Unknown(unknown)))
    }

    fn with_meaning(unknown: UnknownBody<'a>) -> Option<Self> {
        let UnknownBody {
            frame_type,
            subclass,
            data,
        } = unknown;
        Some(match frame_type {
            DTMF_END => Body::DtmfEnd(Digit::new(subclass)?),
            DTMF_BEGIN => Body::DtmfBegin(Digit::new(subclass)?),
            VOICE => Body::Voice {
                format: subclass::format(subclass)?,
                data,
            },
            VIDEO => {
                let (format, marker) = subclass::video_format(subclass)?;
                Body::Video {
                    format,
                    marker,
                    data,
                }
            }
            CONTROL => Body::Control {
                control: Control::from_octet(subclass),
                data,
            },
            NULL => Body::Null,
            TEXT => Body::Text(data),
            IMAGE => Body::Image {
                format: subclass::format(subclass)?,
                data,
            },
            HTML => Body::Html {
                html: Html::from_octet(subclass),
                data,
            },
            COMFORT_NOISE => Body::ComfortNoise(NoiseLevel::from_octet(subclass)?),
            MODEM => Body::Modem {
                modem: Modem::from_octet(subclass),
                data,
            },
            _ => return None,
        })
    }

    /// The frame type octet.
    pub const fn frame_type(&self) -> u8 {
        match self {
            Body::DtmfEnd(_) => DTMF_END,
            Body::DtmfBegin(_) => DTMF_BEGIN,
            Body::Voice { .. } => VOICE,
            Body::Video { .. } => VIDEO,
            Body::Control { .. } => CONTROL,
            Body::Null => NULL,
            Body::Iax { .. } => IAX,
            Body::Text(_) => TEXT,
            Body::Image { .. } => IMAGE,
            Body::Html { .. } => HTML,
            Body::ComfortNoise(_) => COMFORT_NOISE,
            Body::Modem { .. } => MODEM,
            Body::Unknown(unknown) => unknown.frame_type,
        }
    }

    /// The subclass octet, with its C bit.
    pub const fn subclass(&self) -> u8 {
        match *self {
            Body::DtmfEnd(digit) | Body::DtmfBegin(digit) => digit.0,
            Body::Voice { format, .. } | Body::Image { format, .. } => {
                subclass::format_octet(format)
            }
            Body::Video { format, marker, .. } => subclass::video_format_octet(format, marker),
            Body::Control { control, .. } => control.octet(),
            Body::Null | Body::Text(_) => 0,
            Body::Iax { command, .. } => command.octet(),
            Body::Html { html, .. } => html.octet(),
            Body::ComfortNoise(level) => level.0,
            Body::Modem { modem, .. } => modem.octet(),
            Body::Unknown(unknown) => unknown.subclass,
        }
    }

    /// The octets behind the header.
    pub const fn data(&self) -> &'a [u8] {
        match *self {
            Body::DtmfEnd(_) | Body::DtmfBegin(_) | Body::Null | Body::ComfortNoise(_) => &[],
            Body::Voice { data, .. }
            | Body::Video { data, .. }
            | Body::Control { data, .. }
            | Body::Text(data)
            | Body::Image { data, .. }
            | Body::Html { data, .. }
            | Body::Modem { data, .. } => data,
            Body::Iax { ies, .. } => ies.octets(),
            Body::Unknown(unknown) => unknown.data,
        }
    }

    /// Whether the frame takes a sequence number; all do but five messages of IAX (RFC 5456 §7).
    pub const fn consumes_sequence_number(&self) -> bool {
        match self {
            Body::Iax { command, .. } => command.consumes_sequence_number(),
            _ => true,
        }
    }
}

/// `VOICE ULAW, 160 octets`, `IAX HANGUP cause code 16 (normal clearing)`.
impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = Octets(self.data().len());
        match *self {
            Body::DtmfEnd(digit) => write!(f, "DTMF end {digit}"),
            Body::DtmfBegin(digit) => write!(f, "DTMF begin {digit}"),
            Body::Voice { format, .. } => write!(f, "VOICE {format}, {octets}"),
            Body::Video { format, marker, .. } => {
                let marker = if marker { " marker" } else { "" };
                write!(f, "VIDEO {format}{marker}, {octets}")
            }
            Body::Control { control, data: [] } => write!(f, "CONTROL {control}"),
            Body::Control { control, .. } => write!(f, "CONTROL {control}, {octets}"),
            Body::Null => f.write_str("NULL"),
            Body::Iax { command, ies } if ies.is_empty() => write!(f, "IAX {command}"),
            Body::Iax { command, ies } => write!(f, "IAX {command} {ies}"),
            Body::Text(text) => write!(f, "TEXT {}", Text(text)),
            Body::Image { format, .. } => write!(f, "IMAGE {format}, {octets}"),
            Body::Html { html, data } => write!(f, "HTML {html} {}", Text(data)),
            Body::ComfortNoise(level) => write!(f, "CNG -{} dBov", level.get()),
            Body::Modem { modem, .. } => write!(f, "MODEM {modem}, {octets}"),
            Body::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

/// A digit of a telephone: `0`-`9`, `A`-`D`, `*` or `#` (RFC 5456 §8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The digit of this ASCII character, or `None` where a telephone has no such key.
    pub const fn new(character: u8) -> Option<Self> {
        match character {
            b'0'..=b'9' | b'A'..=b'D' | b'*' | b'#' => Some(Digit(character)),
            _ => None,
        }
    }

    /// The ASCII character.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        char::from(self.0).fmt(f)
    }
}

/// A level of comfort noise in -dBov, 0..=127 (RFC 5456 §8.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoiseLevel(u8);

impl NoiseLevel {
    /// The level, or `None` above 127.
    pub const fn new(level: u8) -> Option<Self> {
        if level < 0x80 {
            Some(NoiseLevel(level))
        } else {
            None
        }
    }

    /// The level, 0..=127.
    pub const fn get(self) -> u8 {
        self.0
    }

    fn from_octet(octet: u8) -> Option<Self> {
        NoiseLevel::new(subclass::plain(octet))
    }
}

/// A frame without a meaning, kept as it came; made by [`Body::from_parts`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownBody<'a> {
    frame_type: u8,
    subclass: u8,
    data: &'a [u8],
}

impl<'a> UnknownBody<'a> {
    /// The frame type octet.
    pub const fn frame_type(&self) -> u8 {
        self.frame_type
    }

    /// The subclass octet, with its C bit.
    pub const fn subclass(&self) -> u8 {
        self.subclass
    }

    /// The octets behind the header.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }
}

/// `VOICE of no format 0x06, 160 octets`, `type 0x55 subclass 0x00, 0 octets`.
impl fmt::Display for UnknownBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subclass, octets) = (self.subclass, Octets(self.data.len()));
        match self.frame_type {
            VOICE => write!(f, "VOICE of no format {subclass:#04x}, {octets}"),
            VIDEO => write!(f, "VIDEO of no format {subclass:#04x}, {octets}"),
            IMAGE => write!(f, "IMAGE of no format {subclass:#04x}, {octets}"),
            DTMF_END => write!(f, "DTMF end of no digit {subclass:#04x}"),
            DTMF_BEGIN => write!(f, "DTMF begin of no digit {subclass:#04x}"),
            COMFORT_NOISE => write!(f, "CNG of no level {subclass:#04x}"),
            other => write!(f, "type {other:#04x} subclass {subclass:#04x}, {octets}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(frame_type: u8, subclass: u8, data: &[u8]) -> String {
        Body::from_parts(frame_type, subclass, data)
            .unwrap()
            .to_string()
    }

    #[test]
    fn each_frame_type_prints_as_a_listing_does() {
        assert_eq!(line(0x01, b'5', b""), "DTMF end 5");
        assert_eq!(line(0x0c, b'#', b""), "DTMF begin #");
        assert_eq!(line(0x02, 0x88, b"0123456789"), "VOICE G729, 10 octets");
        assert_eq!(line(0x03, 0xd5, b"e\0"), "VIDEO H264 marker, 2 octets");
        assert_eq!(line(0x04, 0xff, b""), "CONTROL STOP SOUNDS");
        assert_eq!(line(0x05, 0x01, b""), "NULL");
        assert_eq!(line(0x06, 0x04, b""), "IAX ACK");
        assert_eq!(line(0x07, 0x00, b"hello\0"), r#"TEXT "hello\x00""#);
        assert_eq!(line(0x08, 0x90, b"x"), "IMAGE JPEG, 1 octet");
        assert_eq!(line(0x09, 0x01, b"http://x/"), r#"HTML URL "http://x/""#);
        assert_eq!(line(0x0a, 0x28, b""), "CNG -40 dBov");
        assert_eq!(line(0x0b, 0x01, b"xx"), "MODEM T.38, 2 octets");
        assert_eq!(line(0x55, 0x00, b""), "type 0x55 subclass 0x00, 0 octets");
    }

    #[test]
    fn a_subclass_without_a_meaning_is_kept() {
        let body = Body::from_parts(VOICE, 0x06, b"x").unwrap();
        let Body::Unknown(unknown) = body else {
            panic!("{body}");
        };
        assert_eq!((unknown.frame_type(), unknown.subclass()), (VOICE, 0x06));
        assert_eq!(unknown.data(), b"x");
        assert!(body.consumes_sequence_number());
        assert_eq!(line(DTMF_END, b'x', b""), "DTMF end of no digit 0x78");
        assert_eq!(line(COMFORT_NOISE, 0xff, b""), "CNG of no level 0xff");
        assert_eq!(line(VOICE, 0xff, b"x"), "VOICE of no format 0xff, 1 octet");
    }
}
