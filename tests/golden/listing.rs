//! Events as text, every field of them.

use annals::{Events, Query, RecordedEvent, Timestamp};
use serde_json::json;

/// One JSON object a line.
pub(crate) fn of(events: Events) -> String {
    events.map(|event| line(&event.unwrap()) + "\n").collect()
}

fn line(event: &RecordedEvent) -> String {
    json!({
        "position": event.position().get(),
        "append": [event.append_first().get(), event.append_last().get()],
        "stream": event.stream(),
        "version": event.version().get(),
        "type": event.event_type(),
        "schema": event.schema(),
        "id": event.id().to_string(),
        "recorded": time(event.recorded()),
        "happened": event.happened().map(time),
        "correlation": event.correlation().map(|id| id.to_string()),
        "causation": event.causation().map(|id| id.to_string()),
        "tags": event.tags().iter().collect::<Vec<_>>(),
        "metadata": bytes(event.metadata()),
        "data": bytes(event.data()),
    })
    .to_string()
}

/// Seconds and nanoseconds since 1970.
fn time(time: Timestamp) -> [i64; 2] {
    [time.seconds(), time.nanos().into()]
}

/// Text where it is text, and the numbers of the bytes where it is not.
fn bytes(bytes: &[u8]) -> serde_json::Value {
    std::str::from_utf8(bytes).map_or_else(|_| json!(bytes), |text| json!(text))
}

type Matches = Box<dyn Fn(&RecordedEvent) -> bool>;

/// What finds an event: its stream, category, type and tags.
pub(crate) fn queries(event: &RecordedEvent) -> Vec<(Query, Matches)> {
    let (stream, event_type) = (event.stream().to_owned(), event.event_type().to_owned());
    let category = annals::category_of(&stream).to_owned();
    let mut queries: Vec<(Query, Matches)> = Vec::new();
    queries.push((
        Query::category(category.clone()),
        Box::new(move |event| annals::category_of(event.stream()) == category),
    ));
    queries.push((
        Query::stream(stream.clone()),
        Box::new(move |event| event.stream() == stream),
    ));
    queries.push((
        Query::all().with_type(event_type.clone()),
        Box::new(move |event| event.event_type() == event_type),
    ));
    for tag in event.tags().iter().map(str::to_owned) {
        queries.push((
            Query::all().with_tag(tag.clone()),
            Box::new(move |event| event.tags().contains(&tag)),
        ));
    }
    queries
}
