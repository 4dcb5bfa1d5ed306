//! Queries and conditions over stores with long lists of postings, of terms
//! from the rarest to those that every event has, over rolls and reopens.
//!
//! The operations next door meet everything but size. Here a store grows
//! beside its oracle, and a case is a query: read in every way that there is,
//! explained, or made the condition of an append. A failure names its seed;
//! `ANNALS_SEED` runs that one again.

use annals::testing::ways::{Way, scan_by};
use annals::{
    Access, Append, Event, EventRef, EventStore, LogStore, MemoryStore, Options, Position, Query,
    QueryItem, Term, Uuid, Version,
};
use std::ops::ControlFlow;

/// A store has so many events when the next one takes its place.
const MOST: u64 = 4000;
const TYPES: [&str; 5] = ["Often", "Sometimes", "Seldom", "Hardly", "Never"];
const TAGS: [(&str, u64); 6] = [
    ("all", 100),
    ("most", 90),
    ("many", 75),
    ("half", 50),
    ("tenth", 10),
    ("one", 1),
];

/// Random numbers (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn stream(&mut self) -> String {
        // The first of them is long, the last ones are short.
        let number = self.below(40) * self.below(40) / 40;
        format!(
            "{}/{number}",
            if number.is_multiple_of(3) { "a" } else { "b" }
        )
    }

    fn event_type(&mut self) -> &'static str {
        let drawn = self.below(1000);
        TYPES[[850, 970, 998]
            .iter()
            .filter(|below| drawn >= **below)
            .count()]
    }

    fn event(&mut self) -> Event {
        let tags = TAGS.iter().filter(|(_, percent)| self.percent(*percent));
        let mut tags: Vec<String> = tags.map(|(tag, _)| (*tag).to_owned()).collect();
        tags.push(format!("id:{}", self.below(300)));
        Event::new(self.event_type(), vec![0; self.below(30) as usize]).with_tags(tags)
    }

    fn item(&mut self) -> QueryItem {
        let mut item = QueryItem::all();
        if self.percent(25) {
            item = item.in_stream(self.stream());
        }
        if self.percent(15) {
            item = item.in_category(if self.percent(50) { "a" } else { "b" });
        }
        if self.percent(15) {
            item = item.from_version(Version::new(self.below(60)));
        }
        if self.percent(15) {
            item = item.to_version(Version::new(self.below(120)));
        }
        if self.percent(40) {
            for _ in 0..=self.below(3) {
                item = item.with_type(TYPES[self.below(5) as usize]);
            }
        }
        if self.percent(60) {
            for _ in 0..=self.below(3) {
                let (tag, _) = TAGS[self.below(6) as usize];
                let rare = self.percent(20);
                let id = format!("id:{}", self.below(310));
                item = item.with_tag(if rare { id } else { tag.to_owned() });
            }
        }
        item
    }

    fn query(&mut self, head: Position) -> Query {
        let count = if self.percent(65) {
            1
        } else {
            2 + self.below(3)
        };
        let mut query = Query::any_of((0..count).map(|_| self.item()));
        if self.percent(50) {
            query = query.after(Position::new(self.below(head.get() + 5)));
        }
        if self.percent(40) {
            query = query.up_to(Position::new(self.below(head.get() + 5)));
        }
        if self.percent(30) {
            query = query.limit(self.below(40));
        }
        if self.percent(50) {
            query.backward()
        } else {
            query
        }
    }
}

struct Pair {
    options: Options,
    dir: tempfile::TempDir,
    log: Option<LogStore>,
    oracle: MemoryStore,
}

impl Pair {
    fn new(random: &mut Random) -> Self {
        let options = Options::new()
            .segment_size(1024 << random.below(7))
            .checkpoint_events([100, 700, 1500, 100_000][random.below(4) as usize]);
        let dir = crate::directory();
        Pair {
            log: Some(options.open(dir.path()).unwrap()),
            options,
            dir,
            oracle: MemoryStore::new(),
        }
    }

    fn log(&self) -> &LogStore {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(self.options.open(self.dir.path()).unwrap());
    }

    fn append(&self, append: Append) {
        let ours = self.log().append(append.clone());
        let theirs = self.oracle.append(append);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!((ours.first(), ours.last()), (theirs.first(), theirs.last()));
                assert_eq!(ours.versions(), theirs.versions());
            }
            (ours, theirs) => assert_eq!(
                ours.map_err(|error| error.to_string()),
                theirs.map_err(|error| error.to_string()),
            ),
        }
    }

    fn grow(&self, random: &mut Random, events: u64) {
        let mut left = events;
        while left > 0 {
            let count = (1 + random.below(3)).min(left);
            let events = (0..count).map(|_| random.event());
            let events: Vec<_> = events.collect();
            self.append(Append::to(random.stream()).events(events));
            left -= count;
        }
    }

    fn check_reads(&self, query: &Query) {
        let expected = self
            .oracle
            .read(query)
            .map(|own| place(&own.unwrap().as_ref()));
        let expected: Vec<_> = expected.collect();
        let read = self
            .log()
            .read(query)
            .map(|own| place(&own.unwrap().as_ref()));
        assert_eq!(read.collect::<Vec<_>>(), expected, "read");
        assert_eq!(
            visited(|visit| self.log().scan(query, visit)),
            expected,
            "scan"
        );
        for way in [Way::Postings, Way::Walk] {
            let found = visited(|visit| scan_by(self.log(), way, query, visit));
            assert_eq!(found, expected, "{way:?}");
        }
    }

    fn check_explanation(&self, query: &Query) {
        let explanation = self.log().explain(query).unwrap();
        let found = self.oracle.read(&query.clone().limit(u64::MAX)).count() as u64;
        if explanation.way == Access::Nothing {
            assert_eq!(found, 0);
        }
        assert!(explanation.candidates <= explanation.events);
        assert!(explanation.walked_parts <= explanation.parts);
        assert_eq!(explanation.items.len(), query.items().len());
        let terms = explanation
            .items
            .iter()
            .flat_map(|item| item.groups.iter().flatten());
        for own in terms {
            let item = match own.term.clone() {
                Term::Stream(name) => QueryItem::all().in_stream(name),
                Term::Category(name) => QueryItem::all().in_category(name),
                Term::Type(name) => QueryItem::all().with_type(name),
                Term::Tag(name) => QueryItem::all().with_tag(name),
                _ => QueryItem::all().to_version(Version::new(1)),
            };
            let with = Query::of(item)
                .after(explanation.after)
                .up_to(explanation.up_to);
            let postings = self.oracle.read(&with).count() as u64;
            assert_eq!(own.postings, postings, "{}", own.term);
        }
    }

    fn check_condition(&self, random: &mut Random) {
        let head = self.oracle.head();
        let mut append = Append::to(random.stream()).event(random.event());
        for _ in 0..=random.below(2) {
            let recent = head.get().saturating_sub(random.below(50));
            let after = if random.percent(70) {
                recent
            } else {
                random.below(head.get() + 2)
            };
            append = append.unless(random.query(head), Position::new(after));
        }
        self.append(append);
    }
}

fn place(event: &EventRef<'_>) -> (Position, Uuid) {
    (event.position(), event.id())
}

fn visited(
    scan: impl FnOnce(&mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> annals::Result<()>,
) -> Vec<(Position, Uuid)> {
    let mut found = Vec::new();
    scan(&mut |event| {
        found.push(place(&event));
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// Says which case it was that failed.
struct Case(u64, u64, Option<Query>);

impl Drop for Case {
    #[allow(clippy::print_stderr)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("ANNALS_SEED={}, case {}: {:?}", self.0, self.1, self.2);
        }
    }
}

#[test]
fn queries_and_conditions_are_like_plain_scans_over_long_lists() {
    let set = std::env::var("ANNALS_SEED").ok();
    let seed = set.map_or_else(
        || Uuid::new_v4().as_u128() as u64,
        |text| text.parse().expect("ANNALS_SEED is a number"),
    );
    let mut random = Random(seed);
    let mut pair = Pair::new(&mut random);
    for case in 0..u64::from(crate::config().cases) {
        let head = pair.oracle.head().get();
        if head > MOST {
            pair = Pair::new(&mut random);
        }
        match random.below(100) {
            0..4 => pair.reopen(),
            4..20 => pair.grow(&mut random, 1 + 60 * u64::from(head < MOST / 2)),
            _ => {}
        }
        let query = random.query(pair.oracle.head());
        let mut case = Case(seed, case, Some(query.clone()));
        pair.check_reads(&query);
        if random.percent(10) {
            pair.check_explanation(&query);
        }
        case.2 = None;
        if random.percent(30) {
            pair.check_condition(&mut random);
        }
    }
}
