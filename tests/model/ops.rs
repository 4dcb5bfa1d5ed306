//! The operations, and how they are drawn: from few names, so that what they
//! do meets again and again.

use annals::{Durability, Expected, MAX_NAME_BYTES, Position, Query, QueryItem, Version};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Small, so that some of what is drawn is over it.
pub(crate) const EVENT_LIMIT: u64 = 4000;
/// The same for appends.
pub(crate) const APPEND_LIMIT: u64 = 9000;

pub(crate) const STREAMS: [&str; 8] = ["a", "a/1", "a/2", "b/1", "b/2", "/a", "é/1", "x"];
const CATEGORIES: [&str; 6] = ["a", "b", "", "é", "x", "a/1"];
const TYPES: [&str; 4] = ["Placed", "Paid", "x", "a"];
const TAGS: [&str; 5] = ["x", "y", "z", "a/1", "a"];

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Appends that are submitted one after the other and then awaited.
    Append(Vec<AppendPlan>),
    /// An earlier append once more, as it was or changed a little.
    Retry(Index, Change, Option<Durability>),
    Read(Query),
    Scan(Query),
    /// A read that goes on while other things happen.
    Begin(Query),
    /// Takes so many events from such a read.
    Continue(Index, usize),
    Version(&'static str),
    /// The time of some event, and so many nanoseconds later or earlier.
    PositionAt(Index, i64),
    /// A wait for a position so far from the head, for no time.
    Wait(i64),
    Flush,
    Reopen,
    /// Moves the clock, perhaps backwards, by nanoseconds.
    Clock(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct AppendPlan {
    pub(crate) parts: Vec<Part>,
    pub(crate) checks: Vec<(String, Expectation)>,
    /// Conditions: a query, and how many of the newest events it is about.
    pub(crate) conditions: Vec<(Query, Option<u64>)>,
    pub(crate) durability: Option<Durability>,
}

/// Events for one stream; the same stream may come again.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) stream: String,
    pub(crate) expectation: Option<Expectation>,
    pub(crate) events: Vec<EventPlan>,
}

#[derive(Clone, Debug)]
pub(crate) struct EventPlan {
    pub(crate) event_type: String,
    pub(crate) tags: Vec<String>,
    pub(crate) data: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
    pub(crate) schema: u32,
    pub(crate) happened: Option<i64>,
    pub(crate) related: (Option<u128>, Option<u128>),
}

/// What an append expects, relative to what the stream is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expectation {
    Plain(Expected),
    /// The stream's version, and so many more or fewer.
    Near(i64),
}

/// What a retry changes of the append that it repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Nothing,
    /// Leaves out the last event.
    Shorter,
    /// Adds an event to the first stream.
    Longer,
    /// Expects this of the first stream.
    Expect(Expectation),
    /// Turns everything to this stream.
    Stream(&'static str),
    /// Gives the last event other data.
    Data,
    /// Puts an earlier append's events behind those of this one.
    Both(Index),
}

pub(crate) fn operations() -> impl Strategy<Value = Vec<Op>> {
    vec(operation(), 1..60)
}

pub(crate) fn segment_bytes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1024), Just(64 * 1024), 1024..64 * 1024_u64]
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        16 => vec(append(), 1..4).prop_map(Op::Append),
        7 => (any::<Index>(), change(), durability())
            .prop_map(|(index, change, durability)| Op::Retry(index, change, durability)),
        12 => query().prop_map(Op::Read),
        4 => query().prop_map(Op::Scan),
        2 => query().prop_map(Op::Begin),
        3 => (any::<Index>(), 0..20_usize).prop_map(|(index, count)| Op::Continue(index, count)),
        2 => select(&STREAMS[..]).prop_map(Op::Version),
        2 => (any::<Index>(), select(vec![-1000, -1, 0, 1, 999, 1000]))
            .prop_map(|(index, nanos)| Op::PositionAt(index, nanos)),
        1 => (-3..3_i64).prop_map(Op::Wait),
        1 => Just(Op::Flush),
        2 => Just(Op::Reopen),
        3 => prop_oneof![0..5_000_i64, -100_000..1_000_000_i64].prop_map(Op::Clock),
    ]
}

fn durability() -> impl Strategy<Value = Option<Durability>> {
    let levels = vec![
        Durability::Buffered,
        Durability::Written,
        Durability::Durable,
    ];
    option::of(select(levels))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => Just(Change::Nothing),
        1 => Just(Change::Shorter),
        1 => Just(Change::Longer),
        2 => expectation().prop_map(Change::Expect),
        1 => select(&STREAMS[..]).prop_map(Change::Stream),
        1 => Just(Change::Data),
        1 => any::<Index>().prop_map(Change::Both),
    ]
}

fn append() -> impl Strategy<Value = AppendPlan> {
    let parts = prop_oneof![4 => vec(part(), 1..2), 3 => vec(part(), 1..4)];
    let checks = vec((stream(), expectation()), 0..2);
    let newest = prop_oneof![3 => (0..12_u64).prop_map(Some), 1 => Just(None)];
    let conditions = prop_oneof![
        3 => Just(Vec::new()),
        2 => vec((query(), newest), 1..3),
    ];
    (parts, checks, conditions, durability()).prop_map(|(parts, checks, conditions, durability)| {
        AppendPlan {
            parts,
            checks,
            conditions,
            durability,
        }
    })
}

fn part() -> impl Strategy<Value = Part> {
    let events = prop_oneof![12 => vec(event(), 1..4), 1 => vec(event(), 0..12)];
    (stream(), option::weighted(0.7, expectation()), events).prop_map(
        |(stream, expectation, events)| Part {
            stream,
            expectation,
            events,
        },
    )
}

/// Mostly what the stream is, so that most appends succeed.
fn expectation() -> impl Strategy<Value = Expectation> {
    let plain = [Expected::Any, Expected::NoStream, Expected::Exists];
    prop_oneof![
        8 => Just(Expectation::Near(0)),
        2 => (-2..3_i64).prop_map(Expectation::Near),
        3 => select(plain.to_vec()).prop_map(Expectation::Plain),
        1 => select(vec![0, 1, u64::MAX])
            .prop_map(|own| Expectation::Plain(Expected::Exact(Version::new(own)))),
    ]
}

fn event() -> impl Strategy<Value = EventPlan> {
    let related = || option::weighted(0.2, any::<u128>());
    (
        name(&TYPES),
        vec(name(&TAGS), 0..4),
        (bytes(), prop_oneof![3 => Just(Vec::new()), 1 => bytes()]),
        prop_oneof![Just(1), any::<u32>()],
        option::weighted(0.2, -1_000_000..1_000_000_i64),
        (related(), related()),
    )
        .prop_map(
            |(event_type, tags, (data, metadata), schema, happened, related)| EventPlan {
                event_type,
                tags,
                data,
                metadata,
                schema,
                happened,
                related,
            },
        )
}

/// Mostly short; now and then larger than a small segment, or over the limit.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let of_length = |(byte, length): (u8, usize)| vec![byte; length];
    prop_oneof![
        24 => vec(any::<u8>(), 0..20),
        6 => (any::<u8>(), 100..400_usize).prop_map(of_length),
        2 => (any::<u8>(), 1000..3500_usize).prop_map(of_length),
        1 => (any::<u8>(), 3900..4100_usize).prop_map(of_length),
    ]
}

fn stream() -> impl Strategy<Value = String> {
    name(&STREAMS)
}

/// A name that others have, too; seldom one that is not allowed.
fn name(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let long = "x".repeat(MAX_NAME_BYTES);
    let odd = vec![String::new(), long.clone() + "x", long, "\0".to_owned()];
    prop_oneof![
        200 => select(names).prop_map(str::to_owned),
        1 => select(odd),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let position = || {
        prop_oneof![
            3 => (0..80_u64).prop_map(Position::new),
            1 => Just(Position::MAX),
        ]
    };
    (
        prop_oneof![5 => vec(item(), 1..2), 2 => vec(item(), 2..5)],
        option::weighted(0.4, position()),
        option::weighted(0.4, position()),
        any::<bool>(),
        option::weighted(0.4, 0..12_u64),
    )
        .prop_map(|(items, after, up_to, backward, limit)| {
            let mut items = items.into_iter();
            let mut query = Query::of(items.next().unwrap());
            for item in items {
                query = query.or(item);
            }
            query = query.after(after.unwrap_or(Position::START));
            query = query.up_to(up_to.unwrap_or(Position::MAX));
            query = query.limit(limit.unwrap_or(u64::MAX));
            if backward { query.backward() } else { query }
        })
}

fn item() -> impl Strategy<Value = QueryItem> {
    (
        option::weighted(0.4, select(&STREAMS[..])),
        option::weighted(0.3, select(&CATEGORIES[..])),
        option::weighted(0.25, 0..12_u64),
        option::weighted(0.25, 0..12_u64),
        prop_oneof![3 => Just(Vec::new()), 2 => vec(select(&TYPES[..]), 1..3)],
        prop_oneof![3 => Just(Vec::new()), 2 => vec(select(&TAGS[..]), 1..4)],
    )
        .prop_map(|(stream, category, from, to, types, tags)| {
            let mut item = QueryItem::all();
            if let Some(stream) = stream {
                item = item.in_stream(stream);
            }
            if let Some(category) = category {
                item = item.in_category(category);
            }
            if let Some(from) = from {
                item = item.from_version(Version::new(from));
            }
            if let Some(to) = to {
                item = item.to_version(Version::new(to));
            }
            let item = types.into_iter().fold(item, QueryItem::with_type);
            tags.into_iter().fold(item, QueryItem::with_tag)
        })
}
