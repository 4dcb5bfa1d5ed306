//! `annals read`: the events of one stream.

use crate::Out;
use crate::args::ReadArgs;
use crate::people::Shown;
use crate::reading::{self, Printer};
use annals::{EventStore, Query, Version};

pub(crate) fn run(args: &ReadArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let version = store.version(&args.stream)?;
    if version == Version::NONE {
        anyhow::bail!("{} has no stream {:?}", args.store.display(), args.stream);
    }
    let mut printer = Printer::new(out, args.json, Shown::of_stream(version));
    reading::each(&store, &query(args), |event| printer.event(event))
}

/// From a version on, in the direction of reading.
fn query(args: &ReadArgs) -> Query {
    let mut query = Query::stream(args.stream.clone());
    if let Some(from) = args.from.map(Version::new) {
        query = if args.backward {
            query.to_version(from)
        } else {
            query.from_version(from)
        };
    }
    if args.backward {
        query = query.backward();
    }
    query.limit(args.limit.unwrap_or(u64::MAX))
}
