//! WAV files: whole ones in, and one that grows while a call lasts out. Always 8 kHz, one channel, 16 bits on the way
//! out; on the way in any depth of integers and any number of channels, which are averaged.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::RATE;
use crate::error::Error;

/// What we write.
pub(crate) const SPEC: WavSpec = WavSpec {
    channels: 1,
    sample_rate: RATE,
    bits_per_sample: 16,
    sample_format: SampleFormat::Int,
};

/// The samples of a file.
///
/// # Errors
///
/// [`Error::Io`] where it cannot be read, [`Error::Usage`] where it is no WAV of 8 kHz integers.
pub(crate) fn read(path: &Path) -> Result<Vec<i16>, Error> {
    let file = File::open(path).map_err(Error::io("cannot read", path))?;
    parse(std::io::BufReader::new(file))
        .map_err(|why| Error::Usage(format!("{}: {why}", path.display())))
}

/// The samples of a WAV, or why it is not one that we can play.
pub(crate) fn parse(from: impl Read) -> Result<Vec<i16>, String> {
    let mut reader = WavReader::new(from).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    if spec.sample_rate != RATE || spec.sample_format != SampleFormat::Int {
        let rate = spec.sample_rate;
        return Err(format!(
            "{rate} Hz, {:?} samples: {RATE} Hz and integers are wanted (sox IN -r {RATE} -c 1 -b 16 OUT)",
            spec.sample_format
        ));
    }
    let samples: Result<Vec<i32>, _> = reader.samples().collect();
    let samples = samples.map_err(|error| error.to_string())?;
    let channels = usize::from(spec.channels.max(1));
    let averages = samples.chunks(channels).map(average);
    Ok(averages
        .map(|it| to_16_bits(it, spec.bits_per_sample))
        .collect())
}

fn average(channels: &[i32]) -> i32 {
    let sum: i64 = channels.iter().copied().map(i64::from).sum();
    (sum / channels.len() as i64) as i32
}

fn to_16_bits(sample: i32, bits: u16) -> i16 {
    match bits {
        0..=16 => (sample << (16 - bits)) as i16,
        _ => (sample >> (bits - 16)) as i16,
    }
}

/// A WAV file that is being written. It is whole after [`Recording::finish`].
pub(crate) struct Recording {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
}

impl Recording {
    /// A file without samples, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::io("cannot write", path))?;
        let writer = WavWriter::new(BufWriter::new(file), SPEC);
        Ok(Recording {
            path: path.to_owned(),
            writer: writer.map_err(failed(path))?,
        })
    }

    /// More samples.
    ///
    /// # Errors
    ///
    /// As for [`Recording::create`].
    pub(crate) fn push(&mut self, samples: &[i16]) -> Result<(), Error> {
        for sample in samples {
            let written = self.writer.write_sample(*sample);
            written.map_err(failed(&self.path))?;
        }
        Ok(())
    }

    /// Writes the lengths into the header and closes the file.
    ///
    /// # Errors
    ///
    /// As for [`Recording::create`].
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.writer.finalize().map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(hound::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Broke(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wav(spec: WavSpec, samples: &[i32]) -> Cursor<Vec<u8>> {
        let mut octets = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut octets, spec).unwrap();
        samples
            .iter()
            .for_each(|it| writer.write_sample(*it).unwrap());
        writer.finalize().unwrap();
        Cursor::new(octets.into_inner())
    }

    #[test]
    fn what_was_recorded_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heard.wav");
        let mut recording = Recording::create(&path).unwrap();
        recording.push(&[1, -2]).unwrap();
        recording.push(&[i16::MAX, i16::MIN]).unwrap();
        recording.finish().unwrap();
        assert_eq!(read(&path).unwrap(), [1, -2, i16::MAX, i16::MIN]);
    }

    #[test]
    fn channels_are_averaged_and_depths_levelled() {
        let stereo = WavSpec {
            channels: 2,
            ..SPEC
        };
        assert_eq!(parse(wav(stereo, &[10, 20, -7, -7])).unwrap(), [15, -7]);
        let deep = WavSpec {
            bits_per_sample: 24,
            ..SPEC
        };
        assert_eq!(parse(wav(deep, &[0x12_3456])).unwrap(), [0x1234]);
        let flat = WavSpec {
            bits_per_sample: 8,
            ..SPEC
        };
        assert_eq!(parse(wav(flat, &[-1])).unwrap(), [-256]);
    }

    #[test]
    fn another_rate_is_refused_in_words() {
        let fast = WavSpec {
            sample_rate: 44_100,
            ..SPEC
        };
        let why = parse(wav(fast, &[0])).unwrap_err();
        assert!(why.contains("44100 Hz") && why.contains("sox"), "{why}");
        assert!(parse(&b"RIFF but no more"[..]).is_err());
    }
}
