//! The words that make a query: those of an item, `--or` between items, and
//! the bounds around all of them.
//!
//! Which item a word belongs to is told by its place on the command line, so
//! this is built by hand and not derived.

use annals::{Position, Query, QueryItem, Version};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// The query that a command line asks for.
#[derive(Debug)]
pub(crate) struct QueryArgs {
    pub(crate) query: Query,
}

const STREAM: &str = "stream";
const CATEGORY: &str = "category";
const TYPE: &str = "type";
const TAG: &str = "tag";
const FROM_VERSION: &str = "from-version";
const TO_VERSION: &str = "to-version";
const OR: &str = "or";
const AFTER: &str = "after";
const TO: &str = "to";
const BACKWARD: &str = "backward";
const LIMIT: &str = "limit";

/// A word of an item, as it was given.
enum Word {
    Stream(String),
    Category(String),
    Type(String),
    Tag(String),
    From(u64),
    To(u64),
    Or,
}

impl clap::Args for QueryArgs {
    fn augment_args(command: Command) -> Command {
        let text = |name: &'static str, value: &'static str| {
            let arg = Arg::new(name).long(name).value_name(value);
            arg.action(ArgAction::Append)
        };
        let number = |name, value| text(name, value).value_parser(value_parser!(u64));
        let bound = |name, value| number(name, value).action(ArgAction::Set);
        command
            .arg(text(STREAM, "STREAM").help("Only this stream"))
            .arg(
                text(CATEGORY, "CATEGORY")
                    .help("Only streams of this category (the name up to its first `/`)"),
            )
            .arg(text(TYPE, "TYPE").help("Only events of this type; several times: of any of them"))
            .arg(
                text(TAG, "TAG").help("Only events with this tag; several times: with all of them"),
            )
            .arg(
                number(FROM_VERSION, "VERSION")
                    .help("Only events with at least this version in their stream"),
            )
            .arg(
                number(TO_VERSION, "VERSION")
                    .help("Only events with at most this version in their stream"),
            )
            .arg(
                Arg::new(OR)
                    .long(OR)
                    .help("Also events that match what stands behind this: it begins anew")
                    .action(ArgAction::Append)
                    .num_args(0)
                    .value_parser(value_parser!(bool))
                    .default_missing_value("true"),
            )
            .arg(bound(AFTER, "POSITION").help("Only events after this position"))
            .arg(bound(TO, "POSITION").help("Only events up to this position, itself included"))
            .arg(
                Arg::new(BACKWARD)
                    .long(BACKWARD)
                    .help("The newest event first")
                    .action(ArgAction::SetTrue),
            )
            .arg(bound(LIMIT, "N").help("At most this many events"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for QueryArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut items = vec![QueryItem::all()];
        for word in words(matches) {
            let item = items.pop().unwrap_or_default();
            match word {
                Word::Or => items.extend([item, QueryItem::all()]),
                word => items.push(narrowed(item, word)?),
            }
        }
        let position = |name| matches.get_one(name).copied().map(Position::new);
        let mut query = Query::any_of(items)
            .after(position(AFTER).unwrap_or(Position::START))
            .up_to(position(TO).unwrap_or(Position::MAX))
            .limit(matches.get_one(LIMIT).copied().unwrap_or(u64::MAX));
        if matches.get_flag(BACKWARD) {
            query = query.backward();
        }
        Ok(QueryArgs { query })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The words of all items, in the order in which they stand.
fn words(matches: &ArgMatches) -> Vec<Word> {
    let mut found = Vec::new();
    take(matches, STREAM, Word::Stream, &mut found);
    take(matches, CATEGORY, Word::Category, &mut found);
    take(matches, TYPE, Word::Type, &mut found);
    take(matches, TAG, Word::Tag, &mut found);
    take(matches, FROM_VERSION, Word::From, &mut found);
    take(matches, TO_VERSION, Word::To, &mut found);
    take(matches, OR, |_: bool| Word::Or, &mut found);
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, word)| word).collect()
}

/// Adds the words with this name, each with its place on the command line.
fn take<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    name: &str,
    word: impl Fn(T) -> Word,
    found: &mut Vec<(usize, Word)>,
) {
    let values = matches.get_many::<T>(name).into_iter().flatten();
    let places = matches.indices_of(name).into_iter().flatten();
    found.extend(places.zip(values.map(|value| word(value.clone()))));
}

fn narrowed(item: QueryItem, word: Word) -> Result<QueryItem, clap::Error> {
    let (from, to) = item.versions();
    let once = |name, free| match free {
        true => Ok(()),
        false => Err(clap::Error::raw(
            ErrorKind::ArgumentConflict,
            format!("an event can't match two --{name}; --or begins another alternative\n"),
        )),
    };
    Ok(match word {
        Word::Stream(name) => {
            once(STREAM, item.stream().is_none())?;
            item.in_stream(name)
        }
        Word::Category(name) => {
            once(CATEGORY, item.category().is_none())?;
            item.in_category(name)
        }
        Word::Type(name) => item.with_type(name),
        Word::Tag(name) => item.with_tag(name),
        Word::From(version) => {
            once(FROM_VERSION, from == Version::NONE)?;
            item.from_version(Version::new(version))
        }
        Word::To(version) => {
            once(TO_VERSION, to == Version::MAX)?;
            item.to_version(Version::new(version))
        }
        Word::Or => item,
    })
}
