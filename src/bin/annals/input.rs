//! Lines from files and stdin, plain or gzip, with their numbers.

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest line, in bytes. An append of the largest size that a store
/// takes unless told otherwise fits, in base64 too.
const LONGEST: u64 = 256 << 20;

/// How much is read at a time.
const BUFFER: usize = 256 << 10;

/// The lines of one input, one after the other.
pub(crate) struct Lines {
    name: String,
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    number: u64,
    longest: u64,
}

impl Lines {
    /// The lines of a file, or of stdin if it is called `-`; gzip is known by
    /// its first bytes. How much of the input has been read, before it is
    /// unpacked, is added to `taken`.
    pub(crate) fn open(path: &Path, taken: &Arc<AtomicU64>) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::from_reader("stdin", io::stdin());
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let counted = Counted {
            inner: file,
            taken: Arc::clone(taken),
        };
        Self::from_reader(&name, counted)
    }

    fn from_reader(name: &str, reader: impl Read + Send + 'static) -> anyhow::Result<Self> {
        let mut lines = Lines {
            name: name.to_owned(),
            reader: Box::new(io::empty()),
            buffer: Vec::new(),
            number: 0,
            longest: LONGEST,
        };
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        // What was looked at is put back in front of the rest.
        let mut magic = Vec::with_capacity(2);
        reader
            .by_ref()
            .take(2)
            .read_to_end(&mut magic)
            .with_context(|| format!("cannot read {name}"))?;
        let packed = magic == [0x1f, 0x8b];
        let whole = io::Cursor::new(magic).chain(reader);
        lines.reader = if packed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(lines)
    }

    /// The lines of stdin as they come in, never unpacked.
    pub(crate) fn live() -> Self {
        Lines {
            name: "stdin".into(),
            reader: Box::new(BufReader::with_capacity(BUFFER, io::stdin())),
            buffer: Vec::new(),
            number: 0,
            longest: LONGEST,
        }
    }

    /// The next line that is not blank, without its end.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        loop {
            self.buffer.clear();
            let count = self
                .reader
                .by_ref()
                .take(self.longest + 1)
                .read_until(b'\n', &mut self.buffer)
                .with_context(|| format!("cannot read {} after line {}", self.name, self.number))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if count as u64 > self.longest {
                anyhow::bail!("{}: longer than {} bytes", self.place(), self.longest);
            }
            if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.buffer.drain(..3);
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let end = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        Ok(Some(end.strip_suffix(b"\r").unwrap_or(end)))
    }

    /// The line that was last returned, for people.
    pub(crate) fn place(&self) -> String {
        format!("{}: line {}", self.name, self.number)
    }
}

/// The size of all files together, unless one of them has none (stdin, a
/// pipe). Finds out, before anything is made of them, that one is missing.
pub(crate) fn total_size(files: &[impl AsRef<Path>]) -> anyhow::Result<Option<u64>> {
    let mut total = Some(0);
    for path in files.iter().map(AsRef::as_ref) {
        if path.as_os_str() == "-" {
            total = None;
            continue;
        }
        let cannot = || format!("cannot open {}", path.display());
        let found = std::fs::metadata(path).with_context(cannot)?;
        if found.is_dir() {
            anyhow::bail!("cannot read {}: it is a directory", path.display());
        }
        let size = found.is_file().then_some(found.len());
        total = total.zip(size).map(|(total, size)| total + size);
    }
    Ok(total)
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn all(mut lines: Lines) -> Vec<(String, String)> {
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = String::from_utf8(line.to_vec()).unwrap();
            found.push((lines.place(), line));
        }
        found
    }

    fn lines(bytes: &[u8]) -> Lines {
        Lines::from_reader("x", io::Cursor::new(bytes.to_vec())).unwrap()
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let expected = [
            ("x: line 1".into(), "a".into()),
            ("x: line 4".into(), " b".into()),
        ];
        assert_eq!(all(lines(b"\xef\xbb\xbfa\r\n\n \t\n b")), expected);
        assert_eq!(all(lines(b"")), []);
        assert_eq!(all(lines(b"a"))[0].1, "a");
    }

    #[test]
    fn gzip_is_unpacked_all_its_members_too() {
        let mut bytes = packed(b"a\n");
        bytes.extend(packed(b"b\n"));
        let found: Vec<_> = all(lines(&bytes))
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(found, ["a", "b"]);
    }

    #[test]
    fn a_gzip_file_that_is_cut_off_says_where() {
        let mut text = Vec::new();
        for number in 0..100_000 {
            writeln!(text, "{}", number * 7919 % 100_003).unwrap();
        }
        let whole = packed(&text);
        let mut cut = lines(&whole[..whole.len() / 2]);
        let error = loop {
            match cut.next() {
                Ok(line) => assert!(line.is_some(), "the cut was not noticed"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.starts_with("cannot read x after line "), "{error}");
    }

    #[test]
    fn a_line_has_a_longest_length() {
        let mut short = lines(b"123456\n1234567\n");
        short.longest = 7;
        assert_eq!(short.next().unwrap(), Some(&b"123456"[..]));
        let error = short.next().unwrap_err().to_string();
        assert_eq!(error, "x: line 2: longer than 7 bytes");
    }
}
