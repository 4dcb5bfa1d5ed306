//! Events that say what they are, so that a lost, torn, foreign or risen one
//! shows.

use crate::random::mix;
use annals::{Append, Event, EventRef, Expected, Version};

/// The type of events that are recorded.
const COUNTED: &str = "Counted";
/// The type of those in appends that are to be refused: never recorded.
const REFUSED: &str = "Refused";
/// The bytes of a mark.
const MARK: usize = 11;

/// Which append an event is of, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// Counts the openings of a store for writing.
    pub run: u32,
    pub thread: u8,
    /// Counts the appends of a thread in a run.
    pub number: u32,
    pub index: u8,
    pub count: u8,
}

impl Mark {
    /// The same append, whichever event of it.
    pub fn append(self) -> (u32, u8, u32) {
        (self.run, self.thread, self.number)
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::from(self.run.to_le_bytes());
        bytes.push(self.thread);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend([self.index, self.count]);
        bytes
    }

    /// All data of the event with this mark.
    pub fn data(self) -> Vec<u8> {
        let mut data = self.bytes();
        let seed = u64::from(self.run) << 32 ^ u64::from(self.number);
        let seed = mix(seed ^ u64::from(self.thread) << 56 ^ u64::from(self.index) << 48);
        // Mostly small, now and then larger than several sectors.
        let length = match seed % 16 {
            0 => 1000 + (seed >> 32) % 5000,
            _ => (seed >> 32) % 300,
        };
        data.extend((0..length).map(|at| (seed >> (at % 8 * 8)) as u8));
        data
    }

    /// The stream of the event: now and then that of another thread, too.
    pub fn stream(self) -> String {
        match self.index {
            2.. => format!("shared/{}", self.thread % 2),
            _ => format!("thread/{}", self.thread),
        }
    }

    /// Reads the mark off an event, and checks all else of it.
    pub fn of(event: &EventRef<'_>) -> Result<Mark, String> {
        let place = event.position();
        if event.event_type() != COUNTED {
            return Err(format!(
                "position {place} is of type {}",
                event.event_type()
            ));
        }
        let data = event.data();
        if data.len() < MARK {
            return Err(format!("position {place} has {} bytes", data.len()));
        }
        let number = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
        let mark = Mark {
            run: number(0),
            thread: data[4],
            number: number(5),
            index: data[9],
            count: data[10],
        };
        if data != mark.data() || event.stream() != mark.stream() {
            return Err(format!("position {place} is not what its mark says"));
        }
        Ok(mark)
    }
}

/// The append with a number, of one to four events.
pub fn append(run: u32, thread: u8, number: u32) -> Append {
    let first = Mark {
        run,
        thread,
        number,
        index: 0,
        count: 1 + (mix(u64::from(number) << 8 ^ u64::from(thread)) % 4) as u8,
    };
    let marks = (0..first.count).map(|index| Mark { index, ..first });
    marks.fold(Append::to(first.stream()), |append, mark| {
        let event = Event::new(COUNTED, mark.data()).with_tag(format!("run:{run}"));
        append.and_to(mark.stream()).event(event)
    })
}

/// An append that must be refused: no stream is ever so long.
pub fn refused(thread: u8) -> Append {
    Append::to(format!("thread/{thread}"))
        .expect(Expected::Exact(Version::new(u64::MAX / 2)))
        .event(Event::new(REFUSED, vec![thread; 50]))
}

/// A hash over everything of an event, continuing that of those before it.
pub fn chain(before: u64, event: &EventRef<'_>) -> u64 {
    let mut hash = mix(before ^ event.position().get());
    let mut add = |bytes: &[u8]| {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = mix(hash ^ u64::from_le_bytes(word));
        }
        hash = mix(hash ^ bytes.len() as u64);
    };
    add(&event.version().get().to_le_bytes());
    add(&event.recorded().micros().to_le_bytes());
    add(event.id().as_bytes());
    add(event.stream().as_bytes());
    add(event.event_type().as_bytes());
    add(event.data());
    hash
}
