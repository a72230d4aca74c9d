//! What becomes of the datagrams of calls that are encrypted, and of those that are not.

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{IeBuffer, InformationElement, SeqNo};

use super::*;

const ANN: ([u8; 4], u16) = ([192, 0, 2, 1], 4569);
const BOB: ([u8; 4], u16) = ([192, 0, 2, 2], 4569);
const NOW: Instant = Instant::from_secs(100);
const OURS: u16 = 5;
const HERS: u16 = 9;
const VOICE: &[u8] = b"\x80\x09\x00\x05\x00\x00\x00\x15\x01\x01\x02\x04some audio";

/// Ann has two secrets, was challenged as our call 5, and proves the second.
struct Tested {
    sealed: Sealed,
    secrets: Secrets,
    real: cipher::Key,
    aliases: Vec<cipher::Key>,
}

impl Tested {
    fn new() -> Self {
        let mut secrets = Secrets::default();
        let aliases = ["old", "new"].map(|it| secrets.learn("ann", &Secret::new(it)));
        let mut tested = Tested {
            sealed: Sealed::default(),
            secrets,
            real: cipher::Key::new(b"42", &Secret::new("new")),
            aliases: aliases.map(|it| cipher::Key::new(b"42", &it)).to_vec(),
        };
        assert_eq!(tested.sent(ANN, &offer((OURS, HERS))), None);
        tested
    }

    fn sent(&mut self, to: ([u8; 4], u16), octets: &[u8]) -> Option<Vec<u8>> {
        self.sealed.sent((NOW, to.into()), octets, &self.secrets)
    }

    fn came(&mut self, from: ([u8; 4], u16), octets: &[u8]) -> Option<Vec<u8>> {
        let from = (NOW, from.into());
        self.sealed.came(from, octets, &Tokens::default())
    }

    /// The call has a key from now on.
    fn agree(&mut self) {
        let (proof, _) = proof("new", &Secret::new("alias-2"));
        let sealed = self.real.encrypt(&proof, [5; 32]);
        assert_ne!(self.came(ANN, &sealed), None);
        let ack = frame((OURS, HERS), IaxCommand::Ack, &IeBuffer::new());
        let sealed = self.real.encrypt(&ack, [7; 32]);
        let expected = self.aliases[1].encrypt(&ack, [7; 32]);
        assert_eq!(self.sent(ANN, &sealed), Some(expected));
    }
}

fn frame((source, destination): (u16, u16), command: IaxCommand, ies: &IeBuffer) -> Vec<u8> {
    let frame = FullFrame {
        source: CallNumber::from_word(source),
        destination: CallNumber::from_word(destination),
        retransmission: false,
        timestamp: Timestamp(20),
        oseqno: SeqNo(0),
        iseqno: SeqNo(1),
        body: Body::Iax {
            command,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn offer(numbers: (u16, u16)) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Challenge(b"42"))
        .push(InformationElement::Encryption(EncryptionMethods::AES128))
        .push(InformationElement::Username(b"ann"));
    frame(numbers, IaxCommand::AuthReq, &ies)
}

/// The AUTHREP of a secret, and that of its alias.
fn proof(secret: &str, alias: &Secret) -> (Vec<u8>, Vec<u8>) {
    let of = |secret: &Secret| {
        let result = md5_result(b"42", secret);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Md5Result(&result));
        frame((HERS, OURS), IaxCommand::AuthRep, &ies)
    };
    (of(&Secret::new(secret)), of(alias))
}

fn mini(source: u16, data: &[u8]) -> Vec<u8> {
    [&source.to_be_bytes()[..], &[0, 40], data].concat()
}

/// Octets of no meaning from ann to our call, each number others; every fourth begins as a message in clear does.
fn noise(number: u32) -> Vec<u8> {
    let mut octets = VOICE[..4].to_vec();
    let mut state = number;
    for _ in 0..32 + 16 * (number % 5) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        octets.push((state >> 24) as u8);
    }
    if number.is_multiple_of(4) {
        octets[10] = 6;
    }
    octets
}

fn is_frame(octets: &[u8]) -> bool {
    FullFrame::parse(octets).is_ok()
}

#[test]
fn what_reads_under_no_key_becomes_other_octets_that_are_nothing_either() {
    for is_agreed in [false, true] {
        let mut tested = Tested::new();
        if is_agreed {
            tested.agree();
        }
        for number in 0..400 {
            let octets = noise(number);
            let changed = tested.came(ANN, &octets).unwrap();
            assert_eq!((changed.len(), &changed[..4]), (octets.len(), &octets[..4]));
            assert_ne!(changed[20..], octets[20..], "{number}");
            assert_eq!(is_frame(&changed), is_frame(&octets), "{number}");
        }
    }
}

#[test]
fn a_sealed_frame_is_sealed_for_the_alias_and_is_in_clear_what_it_was() {
    let mut tested = Tested::new();
    tested.agree();
    let mut frames = 0;
    for number in 0..2_000_u32 {
        let mut padding = [0; 32];
        padding[..4].copy_from_slice(&number.to_le_bytes());
        let octets = tested.real.encrypt(VOICE, padding);
        let changed = tested.came(ANN, &octets).unwrap();
        let opened = tested.aliases[1].decrypt(&changed);
        assert_eq!(opened.as_deref(), Some(VOICE));
        assert_eq!(is_frame(&changed), is_frame(&octets), "{number}");
        frames += u32::from(is_frame(&octets));
    }
    assert!((1_900..2_000).contains(&frames), "{frames}");
    let said = mini(HERS, b"twenty octets and more");
    let changed = tested.came(ANN, &tested.real.encrypt(&said, [1; 32]));
    assert_eq!(changed, Some(tested.aliases[1].encrypt(&said, [1; 32])));
}

#[test]
fn a_number_that_is_anothers_has_no_key() {
    let clear = mini(HERS, b"twenty-eight octets in clear");
    let (numbers, none) = ((OURS, HERS), IeBuffer::new());
    let ways = [
        // The other side's next call, which is no one's that we know.
        (ANN, frame((OURS + 1, HERS), IaxCommand::Accept, &none)),
        // Our number is somebody else's.
        (BOB, frame(numbers, IaxCommand::Ack, &none)),
        // Both are the same again, without a login.
        (ANN, frame(numbers, IaxCommand::Accept, &none)),
    ];
    for (to, accept) in ways {
        for is_agreed in [false, true] {
            let mut tested = Tested::new();
            if is_agreed {
                tested.agree();
            }
            assert_ne!(tested.came(ANN, &clear), None);
            assert_eq!(tested.sent(to, &accept), None);
            assert_eq!(tested.came(ANN, &clear), None);
        }
    }
    // What is of no call changes nothing, and neither does what goes out again.
    let mut tested = Tested::new();
    tested.agree();
    let mut again = offer(numbers);
    again[2] |= 0x80;
    let inval = frame(numbers, IaxCommand::Inval, &none);
    for (to, octets) in [(BOB, &inval), (ANN, &inval), (ANN, &again)] {
        assert_eq!(tested.sent(to, octets), None);
        assert_ne!(tested.came(ANN, &clear), None);
    }
}

#[test]
fn what_strays_to_another_number_of_ours_is_put_out() {
    let mut tested = Tested::new();
    tested.agree();
    let mut octets = tested.real.encrypt(VOICE, [3; 32]);
    octets[3] ^= 1;
    let changed = tested.came(ANN, &octets).unwrap();
    assert_eq!(changed[..4], octets[..4]);
    assert_ne!(changed[20..], octets[20..]);
    assert_eq!(tested.came(BOB, &octets), None);
}

/// Noise reads as a frame in one case of some ten thousand.
#[test]
fn an_answer_is_that_of_the_secret_that_it_proves_also_where_it_reads_under_another() {
    let (secrets, aliases) = (["old", "new"], ["alias-1", "alias-2"].map(Secret::new));
    for nth in [0, 1] {
        let mut tested = Tested::new();
        let keys = secrets.map(|it| cipher::Key::new(b"42", &Secret::new(it)));
        let (octets, expected) = proof(secrets[nth], &aliases[nth]);
        let reads = |octets: &Vec<u8>| {
            let frame = keys[1 - nth].decrypt(octets).unwrap_or_default();
            FullFrame::parse(&frame)
                .is_ok_and(|it| !matches!(it.body, Body::Unknown(_)) && it.timestamp.0 < 3_600_000)
        };
        let mut sealed = (0..1_u32 << 20).map(|number| {
            let mut padding = [0; 32];
            padding[..4].copy_from_slice(&number.to_le_bytes());
            keys[nth].encrypt(&octets, padding)
        });
        let sealed = sealed.find(reads).unwrap();
        let changed = tested.came(ANN, &sealed).unwrap();
        assert_eq!(
            tested.aliases[nth].decrypt(&changed),
            Some(expected),
            "{nth}"
        );
    }
}
