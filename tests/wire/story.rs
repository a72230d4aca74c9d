//! Conversations between a client and a server, frame by frame, and datagrams that are no frames.

use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::*;

/// One datagram of a conversation.
pub(crate) struct Sent {
    /// What it is, as a file name.
    pub(crate) name: &'static str,
    /// Which way it goes.
    pub(crate) from_client: bool,
    /// Its octets.
    pub(crate) octets: Vec<u8>,
}

/// Every conversation by name.
pub(crate) fn all() -> Vec<(&'static str, Vec<Sent>)> {
    vec![
        ("registration", registration()),
        ("call", call()),
        ("trunk", trunk()),
        ("video", video()),
        ("errors", errors()),
    ]
}

/// Call numbers of the two sides.
const CLIENT: u16 = 2;
const SERVER: u16 = 7684;

fn call_number(number: u16) -> CallNumber {
    CallNumber::new(number).unwrap()
}

fn frame(name: &'static str, from_client: bool, frame: Frame<'_>) -> Sent {
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    raw(name, from_client, &octets)
}

fn raw(name: &'static str, from_client: bool, octets: &[u8]) -> Sent {
    Sent {
        name,
        from_client,
        octets: octets.to_vec(),
    }
}

/// Time-stamp, OSeqno and ISeqno.
type Place = (u32, u8, u8);

fn full((timestamp, oseqno, iseqno): Place, numbers: (u16, u16), body: Body<'_>) -> FullFrame<'_> {
    FullFrame {
        source: call_number(numbers.0),
        destination: call_number(numbers.1),
        retransmission: false,
        timestamp: Timestamp(timestamp),
        oseqno: SeqNo(oseqno),
        iseqno: SeqNo(iseqno),
        body,
    }
}

/// From the client within a call.
fn c(name: &'static str, place: Place, body: Body<'_>) -> Sent {
    frame(name, true, Frame::Full(full(place, (CLIENT, SERVER), body)))
}

/// From the server within a call.
fn s(name: &'static str, place: Place, body: Body<'_>) -> Sent {
    frame(
        name,
        false,
        Frame::Full(full(place, (SERVER, CLIENT), body)),
    )
}

fn iax(
    name: &'static str,
    from_client: bool,
    numbers: (u16, u16),
    place: Place,
    command: IaxCommand,
    list: &[Ie<'_>],
) -> Sent {
    let mut ies = IeBuffer::new();
    for &ie in list {
        ies.push(ie);
    }
    let body = Body::Iax {
        command,
        ies: ies.view(),
    };
    frame(name, from_client, Frame::Full(full(place, numbers, body)))
}

fn ci(name: &'static str, place: Place, command: IaxCommand, list: &[Ie<'_>]) -> Sent {
    iax(name, true, (CLIENT, SERVER), place, command, list)
}

fn si(name: &'static str, place: Place, command: IaxCommand, list: &[Ie<'_>]) -> Sent {
    iax(name, false, (SERVER, CLIENT), place, command, list)
}

fn control(control: Control) -> Body<'static> {
    Body::Control { control, data: &[] }
}

/// Credentials that protect nothing.
const TOKEN: &[u8] = b"1700000000?0123456789abcdef0123456789abcdef01234567";
const CHALLENGE: &[u8] = b"159541092";
const RESULT: &[u8] = b"0123456789abcdef0123456789abcdef";

fn registration() -> Vec<Sent> {
    use IaxCommand::{Ack, CallToken, Poke, Pong, RegAck, RegAuth, RegRej, RegRel, RegReq};
    let alice = Ie::Username(b"alice");
    let v4 = ApparentAddress("192.0.2.1:4570".parse().unwrap());
    let v6 = ApparentAddress("[2001:db8::1]:4570".parse().unwrap());
    let date = Ie::DateTime(DateTime::from_unix_seconds(1_700_000_000));
    let opening = (CLIENT, 0);
    vec![
        iax(
            "regreq-empty-token",
            true,
            opening,
            (3, 0, 0),
            RegReq,
            &[alice, Ie::Refresh(60), Ie::CallToken(b"")],
        ),
        iax(
            "calltoken",
            false,
            (1, CLIENT),
            (3, 0, 1),
            CallToken,
            &[Ie::CallToken(TOKEN)],
        ),
        iax(
            "regreq-token",
            true,
            opening,
            (6, 0, 0),
            RegReq,
            &[alice, Ie::Refresh(60), Ie::CallToken(TOKEN)],
        ),
        si(
            "regauth",
            (4, 0, 1),
            RegAuth,
            &[
                Ie::AuthMethods(AuthMethods::MD5),
                Ie::Challenge(CHALLENGE),
                alice,
            ],
        ),
        ci(
            "regreq-md5",
            (20, 1, 1),
            RegReq,
            &[alice, Ie::Refresh(60), Ie::Md5Result(RESULT)],
        ),
        si(
            "regack-v4",
            (23, 1, 2),
            RegAck,
            &[
                alice,
                date,
                Ie::Refresh(60),
                Ie::ApparentAddr(v4),
                Ie::MsgCount(MessageCount::new(2, 3)),
            ],
        ),
        ci("ack", (23, 2, 2), Ack, &[]),
        si(
            "regack-v6",
            (23, 1, 2),
            RegAck,
            &[alice, date, Ie::ApparentAddr(v6)],
        ),
        si(
            "regrej",
            (30, 1, 2),
            RegRej,
            &[
                Ie::Cause(b"Registration Refused"),
                Ie::CauseCode(Cause::FACILITY_REJECTED),
            ],
        ),
        ci(
            "regrel",
            (600, 2, 2),
            RegRel,
            &[alice, Ie::Password(b"not shown")],
        ),
        iax(
            "poke",
            true,
            opening,
            (3, 0, 0),
            Poke,
            &[Ie::CallToken(b"")],
        ),
        iax("pong-stateless", false, (1, CLIENT), (3, 0, 1), Pong, &[]),
    ]
}

fn call() -> Vec<Sent> {
    use IaxCommand::{
        Accept, Ack, AuthRep, AuthReq, DpRep, DpReq, Hangup, Inval, LagRp, LagRq, New, Ping, Pong,
        Quelch, TxAcc, TxCnt, TxReady, TxRel, TxReq, Unsupport, Vnak,
    };
    let voice = |format, data| Body::Voice { format, data };
    let digit = Digit::new(b'5').unwrap();
    let new = [
        Ie::Version(2),
        Ie::CalledNumber(b"100"),
        Ie::CodecPrefs(CodecPrefs(b"DC")),
        Ie::CallingNumber(b"200"),
        Ie::CallingPres(0),
        Ie::CallingTon(0),
        Ie::CallingTns(0),
        Ie::CallingAni2(0),
        Ie::CallingName(b"Alice \"A\"\r\nForged: line"),
        Ie::Language(b"en"),
        Ie::CalledContext(b"default"),
        Ie::Username(b"alice"),
        Ie::Encryption(EncryptionMethods::AES128),
        Ie::Format(Format::ULAW.mask() as u32),
        Ie::Format2(Format::ULAW.into()),
        Ie::Capability(0x0c),
        Ie::Capability2(FormatSet(0x4_0000_000c)),
        Ie::AdsiCpe(2),
        Ie::DateTime(DateTime::from_unix_seconds(1_700_000_000)),
        Ie::AutoAnswer,
        Ie::Variable(b"colour=blue"),
        Ie::CallToken(TOKEN),
    ];
    let reports = [
        Ie::RrJitter(3),
        Ie::RrLoss(ie::Loss(0x0100_000c)),
        Ie::RrPkts(1000),
        Ie::RrDelay(40),
        Ie::RrDropped(2),
        Ie::RrOoo(1),
    ];
    let again = FullFrame {
        retransmission: true,
        ..full((2100, 9, 7), (CLIENT, SERVER), control(Control::Hangup))
    };
    let apparent = Ie::ApparentAddr(ApparentAddress("198.51.100.7:4569".parse().unwrap()));
    vec![
        iax("new", true, (CLIENT, 0), (3, 0, 0), New, &new),
        si(
            "authreq",
            (4, 0, 1),
            AuthReq,
            &[
                Ie::AuthMethods(AuthMethods(3)),
                Ie::Challenge(CHALLENGE),
                Ie::Username(b"alice"),
            ],
        ),
        ci("authrep", (9, 1, 1), AuthRep, &[Ie::Md5Result(RESULT)]),
        si(
            "accept",
            (12, 1, 2),
            Accept,
            &[Ie::Format(4), Ie::Format2(FormatSet(4))],
        ),
        ci("ack", (12, 2, 2), Ack, &[]),
        s("ringing", (20, 2, 2), control(Control::Ringing)),
        s("answer", (40, 3, 2), control(Control::Answer)),
        s("stop-sounds", (43, 4, 2), control(Control::StopSounds)),
        s(
            "hold",
            (44, 5, 2),
            Body::Control {
                control: Control::Hold,
                data: b"jazz",
            },
        ),
        c("voice-ulaw", (60, 2, 5), voice(Format::ULAW, &[0xff; 160])),
        c("voice-g729", (80, 3, 5), voice(Format::G729, &[0; 10])),
        c("voice-opus", (100, 4, 5), voice(Format::OPUS, &[0; 10])),
        c(
            "voice-bit-31",
            (120, 5, 5),
            voice(Format::from_bit(31).unwrap(), &[0; 4]),
        ),
        frame(
            "mini",
            true,
            Frame::Mini(MiniFrame::new(call_number(CLIENT), 140, &[0xff; 160]).unwrap()),
        ),
        frame(
            "mini-empty",
            true,
            Frame::Mini(MiniFrame::new(call_number(CLIENT), 160, &[]).unwrap()),
        ),
        c("dtmf-begin", (480, 5, 5), Body::DtmfBegin(digit)),
        c("dtmf-end", (500, 6, 5), Body::DtmfEnd(digit)),
        c("text", (700, 7, 5), Body::Text(b"hello\0")),
        c(
            "comfort-noise",
            (720, 8, 5),
            Body::ComfortNoise(NoiseLevel::new(40).unwrap()),
        ),
        c(
            "html",
            (730, 9, 5),
            Body::Html {
                html: Html::Url,
                data: b"http://example.com/",
            },
        ),
        c(
            "image",
            (735, 10, 5),
            Body::Image {
                format: Format::PNG,
                data: b"\x89PNG",
            },
        ),
        c(
            "modem",
            (736, 11, 5),
            Body::Modem {
                modem: Modem::T38,
                data: b"x",
            },
        ),
        c("null", (737, 12, 5), Body::Null),
        ci("ping", (21000, 13, 5), Ping, &[]),
        si("pong", (21000, 6, 14), Pong, &reports),
        ci("lagrq", (10000, 14, 7), LagRq, &[]),
        si("lagrp", (10000, 7, 15), LagRp, &[]),
        ci("quelch", (10020, 15, 8), Quelch, &[Ie::MusicOnHold(b"")]),
        ci("dpreq", (10040, 16, 8), DpReq, &[Ie::CalledNumber(b"10")]),
        si(
            "dprep",
            (10041, 8, 17),
            DpRep,
            &[
                Ie::CalledNumber(b"10"),
                Ie::DpStatus(DpStatus(0x8002)),
                Ie::Refresh(600),
            ],
        ),
        si(
            "txreq",
            (10050, 9, 17),
            TxReq,
            &[apparent, Ie::CallNo(77), Ie::TransferId(0xdead_beef)],
        ),
        iax(
            "txcnt",
            true,
            (CLIENT, 77),
            (10052, 0, 0),
            TxCnt,
            &[Ie::TransferId(0xdead_beef)],
        ),
        iax("txacc", false, (77, CLIENT), (10053, 0, 0), TxAcc, &[]),
        ci("txready", (10054, 17, 10), TxReady, &[Ie::CallNo(CLIENT)]),
        si("txrel", (10060, 10, 18), TxRel, &[Ie::CallNo(77)]),
        si("vnak", (10070, 11, 18), Vnak, &[]),
        si(
            "unsupport",
            (10075, 11, 18),
            Unsupport,
            &[Ie::IaxUnknown(0x7e)],
        ),
        ci(
            "hangup",
            (10100, 18, 12),
            Hangup,
            &[Ie::CauseCode(Cause::NORMAL_CLEARING)],
        ),
        frame("hangup-again", true, Frame::Full(again)),
        si("inval", (0, 0, 0), Inval, &[]),
    ]
}

fn trunk() -> Vec<Sent> {
    let trunk = |name, with_timestamps, entries: &[(u16, Option<u16>, &[u8])]| {
        let mut buffer = TrunkBuffer::new(with_timestamps);
        for &(source, timestamp, data) in entries {
            buffer.push(TrunkEntry::new(call_number(source), timestamp, data).unwrap());
        }
        let meta = MetaFrame {
            timestamp: Timestamp(40),
            entries: buffer.view(),
        };
        frame(name, true, Frame::Meta(meta))
    };
    vec![
        trunk(
            "plain",
            false,
            &[(2, None, &[0x61; 160]), (3, None, &[0x62; 160])],
        ),
        trunk(
            "timestamps",
            true,
            &[(2, Some(20), &[0x61; 160]), (3, Some(40), &[0x62; 33])],
        ),
        trunk("plain-empty", false, &[]),
        trunk(
            "timestamps-empty-entry",
            true,
            &[(16384, Some(0xffff), &[])],
        ),
    ]
}

fn video() -> Vec<Sent> {
    let video = |format, marker, data| Body::Video {
        format,
        marker,
        data,
    };
    let mini = |name, marker, timestamp, data: &[u8]| {
        let source = call_number(CLIENT);
        frame(
            name,
            true,
            Frame::MiniVideo(MiniVideoFrame::new(source, marker, timestamp, data)),
        )
    };
    vec![
        c(
            "h264",
            (60, 2, 5),
            video(Format::H264, false, b"\x65\0\0\x01"),
        ),
        c(
            "h264-marker",
            (60, 3, 5),
            video(Format::H264, true, b"\x65\0"),
        ),
        c(
            "h263-marker",
            (80, 4, 5),
            video(Format::H263, true, b"\0\0"),
        ),
        mini("mini", false, 0x1234, &[1, 2, 3]),
        mini("mini-marker", true, 0x7fff, &[1, 2]),
        mini("mini-empty", false, 0, &[]),
    ]
}

fn errors() -> Vec<Sent> {
    let new = b"\x80\x02\0\0\0\0\0\x03\0\0\x06\x01";
    let behind = |name, elements: &[u8]| raw(name, true, &[&new[..], elements].concat());
    let bad = |name, octets: &[u8]| raw(name, true, octets);
    vec![
        bad("empty", b""),
        bad("three-octets", b"\x80\x02\0"),
        bad("full-of-11", b"\x80\x02\0\0\0\0\0\x03\0\0\x06"),
        bad("mini-video-of-5", b"\0\0\x80\x02\0"),
        bad("trunk-of-7", b"\0\0\x01\0\0\0\0"),
        bad("trunk-overrun", b"\0\0\x01\0\0\0\0\x28\0\x02\0\xc8aaaa"),
        bad("trunk-half-header", b"\0\0\x01\x01\0\0\0\x28\0\x04\0\x02"),
        bad("trunk-flags", b"\0\0\x01\x02\0\0\0\x28\0\x02\0\0"),
        bad("meta-command", b"\0\0\x05\0\0\0\0\x28"),
        behind("element-overrun", b"\x0b\x02\0\x02\x01\x20abc"),
        behind("stray-octet", b"\x0b\x02\0\x02\x01"),
        behind("unknown-element", b"\x0b\x02\0\x02\xf0\x03xyz\x01\x01s"),
        behind("format-of-3", b"\x09\x03\0\0\x04"),
        behind("osp-token-of-0", b"\x35\x00"),
        behind("capability2-of-0", b"\x37\x00"),
        behind("address-of-255", &[&[0x12, 0xff][..], &[0; 255]].concat()),
        bad(
            "frame-type-0x55",
            b"\x80\x02\x1e\x04\0\0\0\x03\x03\x03\x55\0",
        ),
        bad("iax-0x7e", b"\x80\x02\x1e\x04\0\0\0\x03\x03\x03\x06\x7e"),
        bad(
            "voice-of-two-formats",
            b"\x80\x02\x1e\x04\0\0\0\x03\x03\x03\x02\x06abc",
        ),
        bad(
            "voice-of-minus-one",
            b"\x80\x02\x1e\x04\0\0\0\x03\x03\x03\x02\xffabc",
        ),
        bad(
            "voice-alaw-as-a-power",
            b"\x80\x02\x1e\x04\0\0\0\x3c\x02\x05\x02\x83abc",
        ),
        bad(
            "dtmf-of-no-digit",
            b"\x80\x02\x1e\x04\0\0\0\x03\x03\x03\x01x",
        ),
        bad("source-0", b"\x80\0\x1e\x04\0\0\0\0\0\0\x06\x0a"),
    ]
}
