//! Strategies for frames: owned descriptions that any random source can make, and the frames that they describe.

use iaxproof::wire::ie::{FirmwareBlock, Loss, OspBlock};
use iaxproof::wire::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// Data of a frame.
fn data() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

/// A full frame but for its body.
pub(crate) fn full_header() -> impl Strategy<Value = FullFrame<'static>> {
    let numbers = (any::<u16>(), any::<u16>(), any::<bool>());
    (numbers, any::<u32>(), any::<u8>(), any::<u8>()).prop_map(
        |((source, destination, retransmission), timestamp, oseqno, iseqno)| FullFrame {
            source: CallNumber::from_word(source),
            destination: CallNumber::from_word(destination),
            retransmission,
            timestamp: Timestamp(timestamp),
            oseqno: SeqNo(oseqno),
            iseqno: SeqNo(iseqno),
            body: Body::Null,
        },
    )
}

/// The body of any frame type, leaked: tests are short.
pub(crate) fn body() -> impl Strategy<Value = Body<'static>> {
    let digit = proptest::sample::select(&b"0123456789ABCD*#"[..]);
    let digit = digit.prop_map(|d| Digit::new(d).unwrap());
    let format = (0..64_u8).prop_map(|bit| Format::from_bit(bit).unwrap());
    let data = || data().prop_map(|data| &*data.leak());
    let subclass = any::<u8>;
    prop_oneof![
        digit.clone().prop_map(Body::DtmfEnd),
        digit.prop_map(Body::DtmfBegin),
        (format.clone(), data()).prop_map(|(format, data)| Body::Voice { format, data }),
        (format.clone(), any::<bool>(), data()).prop_map(|(format, marker, data)| Body::Video {
            format,
            marker,
            data
        }),
        (subclass(), data()).prop_map(|(octet, data)| Body::Control {
            control: Control::from_octet(octet),
            data
        }),
        Just(Body::Null),
        (subclass(), ies()).prop_map(|(octet, ies)| Body::Iax {
            command: IaxCommand::from_octet(octet),
            ies
        }),
        data().prop_map(Body::Text),
        (format, data()).prop_map(|(format, data)| Body::Image { format, data }),
        (subclass(), data()).prop_map(|(octet, data)| Body::Html {
            html: Html::from_octet(octet),
            data
        }),
        (0..128_u8).prop_map(|level| Body::ComfortNoise(NoiseLevel::new(level).unwrap())),
        (subclass(), data()).prop_map(|(octet, data)| Body::Modem {
            modem: Modem::from_octet(octet),
            data
        }),
        (any::<u8>(), subclass(), data())
            .prop_map(|(kind, octet, data)| Body::from_parts(kind, octet, data))
            .prop_filter_map("no list of elements", Result::ok),
    ]
}

fn ies() -> impl Strategy<Value = InformationElements<'static>> {
    vec(element(), 0..8).prop_map(|elements| {
        let buffer: &'static mut IeBuffer = Box::leak(Box::new(IeBuffer::new()));
        for element in elements {
            buffer.push(element);
        }
        buffer.view()
    })
}

/// Any element that fits its 255 octets; codes that are known are never given as unknown.
pub(crate) fn element() -> impl Strategy<Value = InformationElement<'static>> {
    let content = (any::<u32>(), any::<u64>(), address());
    let data = vec(any::<u8>(), 0..=254).prop_map(|data| &*data.leak());
    let code = proptest::sample::select(IeCode::ALL);
    let known =
        (code, content, data.clone()).prop_map(|(code, content, data)| typed(code, content, data));
    let unknown =
        (58..255_u8, data).prop_map(|(code, data)| InformationElement::Unknown { code, data });
    prop_oneof![9 => known, 1 => unknown]
}

fn address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<SocketAddrV4>().prop_map(SocketAddr::V4),
        any::<SocketAddrV6>().prop_map(SocketAddr::V6),
    ]
}

fn typed(
    code: IeCode,
    (number, mask, address): (u32, u64, SocketAddr),
    data: &'static [u8],
) -> InformationElement<'static> {
    use InformationElement as Ie;
    let (word, byte) = (number as u16, number as u8);
    match code {
        IeCode::CalledNumber => Ie::CalledNumber(data),
        IeCode::CallingNumber => Ie::CallingNumber(data),
        IeCode::CallingAni => Ie::CallingAni(data),
        IeCode::CallingName => Ie::CallingName(data),
        IeCode::CalledContext => Ie::CalledContext(data),
        IeCode::Username => Ie::Username(data),
        IeCode::Password => Ie::Password(data),
        IeCode::Capability => Ie::Capability(number),
        IeCode::Format => Ie::Format(number),
        IeCode::Language => Ie::Language(data),
        IeCode::Version => Ie::Version(word),
        IeCode::AdsiCpe => Ie::AdsiCpe(word),
        IeCode::Dnid => Ie::Dnid(data),
        IeCode::AuthMethods => Ie::AuthMethods(AuthMethods(word)),
        IeCode::Challenge => Ie::Challenge(data),
        IeCode::Md5Result => Ie::Md5Result(data),
        IeCode::RsaResult => Ie::RsaResult(data),
        IeCode::ApparentAddr => Ie::ApparentAddr(ApparentAddress(address)),
        IeCode::Refresh => Ie::Refresh(word),
        IeCode::DpStatus => Ie::DpStatus(DpStatus(word)),
        IeCode::CallNo => Ie::CallNo(word),
        IeCode::Cause => Ie::Cause(data),
        IeCode::IaxUnknown => Ie::IaxUnknown(byte),
        IeCode::MsgCount => Ie::MsgCount(MessageCount(word)),
        IeCode::AutoAnswer => Ie::AutoAnswer,
        IeCode::MusicOnHold => Ie::MusicOnHold(data),
        IeCode::TransferId => Ie::TransferId(number),
        IeCode::Rdnis => Ie::Rdnis(data),
        IeCode::Provisioning => Ie::Provisioning(data),
        IeCode::AesProvisioning => Ie::AesProvisioning(data),
        IeCode::DateTime => Ie::DateTime(DateTime(number)),
        IeCode::DeviceType => Ie::DeviceType(data),
        IeCode::ServiceIdent => Ie::ServiceIdent(data),
        IeCode::FirmwareVer => Ie::FirmwareVer(word),
        IeCode::FwBlockDesc => Ie::FwBlockDesc(FirmwareBlock(number)),
        IeCode::FwBlockData => Ie::FwBlockData(data),
        IeCode::ProvVer => Ie::ProvVer(number),
        IeCode::CallingPres => Ie::CallingPres(byte),
        IeCode::CallingTon => Ie::CallingTon(byte),
        IeCode::CallingTns => Ie::CallingTns(word),
        IeCode::SamplingRate => Ie::SamplingRate(word),
        IeCode::CauseCode => Ie::CauseCode(Cause(byte)),
        IeCode::Encryption => Ie::Encryption(EncryptionMethods(word)),
        IeCode::EncKey => Ie::EncKey(data),
        IeCode::CodecPrefs => Ie::CodecPrefs(CodecPrefs(data)),
        IeCode::RrJitter => Ie::RrJitter(number),
        IeCode::RrLoss => Ie::RrLoss(Loss(number)),
        IeCode::RrPkts => Ie::RrPkts(number),
        IeCode::RrDelay => Ie::RrDelay(word),
        IeCode::RrDropped => Ie::RrDropped(number),
        IeCode::RrOoo => Ie::RrOoo(number),
        IeCode::Variable => Ie::Variable(data),
        IeCode::OspToken => Ie::OspToken(OspBlock { index: byte, data }),
        IeCode::CallToken => Ie::CallToken(data),
        IeCode::Capability2 => Ie::Capability2(FormatSet(mask)),
        IeCode::Format2 => Ie::Format2(FormatSet(mask)),
        IeCode::CallingAni2 => Ie::CallingAni2(number),
        IeCode::DataFormat => Ie::DataFormat(number),
    }
}

/// Any frame of any class.
pub(crate) fn frame() -> impl Strategy<Value = Frame<'static>> {
    let data = || data().prop_map(|data| &*data.leak());
    let call = || any::<u16>().prop_map(CallNumber::from_word);
    let live = (1..=0x7fff_u16).prop_map(CallNumber::from_word);
    let entry = (call(), any::<Option<u16>>(), data());
    let trunk = (any::<u32>(), any::<bool>(), vec(entry, 0..5));
    prop_oneof![
        4 => (full_header(), body()).prop_map(|(header, body)| Frame::Full(FullFrame { body, ..header })),
        1 => (live, any::<u16>(), data()).prop_map(|(source, time, data)| {
            Frame::Mini(MiniFrame::new(source, time, data).unwrap())
        }),
        1 => (call(), any::<bool>(), any::<u16>(), data()).prop_map(|(source, marker, time, data)| {
            Frame::MiniVideo(MiniVideoFrame::new(source, marker, time, data))
        }),
        1 => trunk.prop_map(|(time, with_timestamps, entries)| {
            let buffer: &'static mut TrunkBuffer =
                Box::leak(Box::new(TrunkBuffer::new(with_timestamps)));
            for (source, time, data) in entries {
                buffer.push(TrunkEntry::new(source, time, data).unwrap());
            }
            Frame::Meta(MetaFrame { timestamp: Timestamp(time), entries: buffer.view() })
        }),
    ]
}
