//! The distances between postings, in as few bits as they need: Rice codes.
//!
//! A gap is the distance to the posting before, minus 1. Gaps share a
//! parameter *k* of 5 bits. The code of a gap is gap / 2^k ones, a zero, and
//! its lowest k bits. A gap that would need twelve ones or more has twelve, and
//! then all of its 32 bits: a stream may be busy for a moment and then sleep for
//! long. With the parameter 31 all gaps are 0, and there are no codes.

use super::stream::{BitReader, BitWriter, small};

const PARAMETER_BITS: u32 = 5;
/// The parameter of gaps that are all 0.
const RUN: u32 = 31;
/// So many ones say that the gap itself follows.
const MOST_ONES: u32 = 12;

/// The parameter under which gaps take the fewest bits, and how many those are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    k: u32,
    bits: usize,
}

fn code_bits(gap: u32, k: u32) -> usize {
    match gap >> k {
        ones if ones < MOST_ONES => (ones + 1 + k) as usize,
        _ => (MOST_ONES + 32) as usize,
    }
}

impl Parameter {
    pub(super) fn of(gaps: &(impl Iterator<Item = u32> + Clone)) -> Self {
        let largest = gaps.clone().max().unwrap_or(0);
        if largest == 0 {
            return Parameter { k: RUN, bits: 0 };
        }
        let bits = |k: u32| gaps.clone().map(|gap| code_bits(gap, k)).sum();
        let all = (0..=largest.ilog2().min(RUN - 1)).map(|k| Parameter { k, bits: bits(k) });
        let best = all.min_by_key(|own| own.bits);
        best.unwrap_or(Parameter { k: RUN, bits: 0 })
    }

    pub(super) fn put(self, out: &mut BitWriter) {
        out.put(self.k.into(), PARAMETER_BITS);
    }

    pub(super) fn get(from: &mut BitReader<'_>) -> Self {
        let k = from.get(PARAMETER_BITS) as u32;
        Parameter { k, bits: 0 }
    }

    /// Appends how long the codes of so many gaps are, for who wants to pass
    /// over them: what they take beyond the least.
    pub(super) fn put_length(self, out: &mut BitWriter, count: usize) {
        if self.k != RUN {
            out.put_gamma((self.bits - self.least(count)) as u64 + 1);
        }
    }

    /// The length of the codes of so many gaps, which stands here.
    pub(super) fn get_length(self, from: &mut BitReader<'_>, count: usize) -> usize {
        if self.k == RUN {
            return 0;
        }
        let beyond = from.gamma().saturating_sub(1);
        // The codes of a whole list in place take less.
        self.least(count) + beyond.min(1 << 16) as usize
    }

    /// Passes over a parameter, the length and the codes of so many gaps.
    #[inline]
    pub(super) fn pass_over(from: &mut BitReader<'_>, count: usize) {
        let window = from.window();
        let own = Parameter {
            k: window as u32 & RUN,
            bits: 0,
        };
        let length = small(window >> PARAMETER_BITS);
        if let Some((beyond, bits)) = length.filter(|_| own.k != RUN) {
            let bits = PARAMETER_BITS as usize + bits + beyond as usize - 1;
            return from.skip(bits + own.least(count));
        }
        from.skip(PARAMETER_BITS as usize);
        let length = own.get_length(from, count);
        from.skip(length);
    }

    fn least(self, count: usize) -> usize {
        count * (self.k + 1) as usize
    }

    pub(super) fn put_codes(self, out: &mut BitWriter, gaps: impl Iterator<Item = u32>) {
        if self.k == RUN {
            return;
        }
        for gap in gaps {
            let ones = gap >> self.k;
            if ones < MOST_ONES {
                out.put((1 << ones) - 1, ones + 1);
                out.put(u64::from(gap) & ((1 << self.k) - 1), self.k);
            } else {
                out.put((1 << MOST_ONES) - 1, MOST_ONES);
                out.put(gap.into(), 32);
            }
        }
    }

    /// Appends a posting, and those that these gaps lead to from it.
    #[inline]
    pub(super) fn get_postings(
        self,
        from: &mut BitReader<'_>,
        first: u32,
        count: usize,
        out: &mut Vec<u32>,
    ) {
        if self.k == RUN {
            let last = first.saturating_add(count as u32 - 1);
            out.extend(first..=last);
            return;
        }
        let mut posting = first;
        out.push(posting);
        let mut codes = Codes::new(from, self.k);
        for _ in 1..count {
            posting = posting.saturating_add(codes.next()).saturating_add(1);
            out.push(posting);
        }
        codes.finish();
    }
}

/// Codes read one after the other, several from one look at the bytes.
struct Codes<'a, 'b> {
    from: &'a mut BitReader<'b>,
    k: u32,
    /// What is left of the bits that were looked at.
    window: u64,
    used: u32,
}

impl<'a, 'b> Codes<'a, 'b> {
    fn new(from: &'a mut BitReader<'b>, k: u32) -> Self {
        let window = from.window();
        Codes {
            from,
            k,
            window,
            used: 0,
        }
    }

    #[inline]
    fn next(&mut self) -> u32 {
        let mut ones = self.window.trailing_ones();
        if ones >= MOST_ONES || self.used + ones + 1 + self.k > BitReader::WINDOW {
            self.look();
            ones = self.window.trailing_ones();
            if ones >= MOST_ONES {
                let gap = (self.window >> MOST_ONES) as u32;
                self.take(MOST_ONES + 32);
                return gap;
            }
        }
        // The upper part of a lie may go over the top.
        let low = (self.window >> (ones + 1)) as u32 & ((1 << self.k) - 1);
        self.take(ones + 1 + self.k);
        ones << self.k | low
    }

    #[inline]
    fn take(&mut self, bits: u32) {
        self.window >>= bits;
        self.used += bits;
    }

    #[inline]
    fn look(&mut self) {
        self.from.skip(self.used as usize);
        self.window = self.from.window();
        self.used = 0;
    }

    fn finish(self) {
        self.from.skip(self.used as usize);
    }
}

/// The gaps between postings.
pub(super) fn between(postings: &[u32]) -> impl Iterator<Item = u32> + Clone {
    postings.windows(2).map(|pair| pair[1] - pair[0] - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(postings: &[u32]) -> (Vec<u8>, Parameter) {
        let parameter = Parameter::of(&between(postings));
        let mut out = BitWriter::default();
        parameter.put(&mut out);
        parameter.put_length(&mut out, postings.len() - 1);
        parameter.put_codes(&mut out, between(postings));
        out.put(1, 1);
        (out.into_bytes(), parameter)
    }

    #[test]
    fn postings_of_every_kind_come_back() {
        let even = (0..100u32).map(|n| 7 * n);
        let run = 5..105u32;
        let bursts = (0..100u32).map(|n| n + n / 10 * 1_000_000);
        let growing = (0..32u32).map(|n| 1 << n);
        let ends = [0, u32::MAX];
        for postings in [
            even.collect::<Vec<_>>(),
            run.collect(),
            bursts.collect(),
            growing.collect(),
            ends.to_vec(),
            vec![9],
        ] {
            let (bytes, parameter) = coded(&postings);
            let mut reader = BitReader::new(&bytes);
            let read = Parameter::get(&mut reader);
            assert_eq!(read.k, parameter.k);
            let length = read.get_length(&mut reader, postings.len() - 1);
            assert_eq!(length, parameter.bits);
            let mut out = Vec::new();
            read.get_postings(&mut reader, postings[0], postings.len(), &mut out);
            assert_eq!(out, postings);
            let mut behind = BitReader::new(&bytes);
            Parameter::pass_over(&mut behind, postings.len() - 1);
            assert_eq!((reader.get(1), behind.get(1)), (1, 1));
        }
    }

    #[test]
    fn a_long_sleep_does_not_make_the_busy_time_dear() {
        let mut postings: Vec<u32> = (0..16).map(|n| 3 * n).collect();
        postings.push(20_000_000);
        assert!(coded(&postings).1.bits < 100);
    }
}
