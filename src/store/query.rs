//! A question to a store: which events, within which bounds, in which order.

use crate::types::{EventRef, Position, Version, category_of};
use std::borrow::Cow;

/// Which way a query runs through the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The oldest event first.
    #[default]
    Forward,
    /// The newest event first.
    Backward,
}

/// Which events to read: an OR of items, within bounds, in one direction, at
/// most so many.
///
/// ```
/// use annals::{Query, QueryItem, Position, Version};
/// let one_stream = Query::stream("orders/42").from_version(Version::new(3));
/// let newest = Query::category("orders").with_type("OrderPlaced").backward().limit(10);
/// let either = Query::of(QueryItem::all().with_tag("course:1"))
///     .or(QueryItem::all().with_tag("student:7"))
///     .after(Position::new(1000));
/// assert_eq!(either.items().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    items: Vec<QueryItem>,
    after: Position,
    up_to: Position,
    direction: Direction,
    limit: u64,
}

/// One item of a query: an AND of a stream (with version bounds), a category,
/// types (any of them) and tags (all of them). What is not said does not bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryItem {
    stream: Option<Cow<'static, str>>,
    from_version: Version,
    to_version: Version,
    category: Option<Cow<'static, str>>,
    types: Vec<Cow<'static, str>>,
    tags: Vec<Cow<'static, str>>,
}

impl Default for QueryItem {
    fn default() -> Self {
        QueryItem {
            stream: None,
            from_version: Version::NONE,
            to_version: Version::MAX,
            category: None,
            types: Vec::new(),
            tags: Vec::new(),
        }
    }
}

impl QueryItem {
    /// Everything, to be narrowed.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only events of this stream.
    #[must_use]
    pub fn in_stream(mut self, stream: impl Into<Cow<'static, str>>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// Only events with at least this version in their stream.
    #[must_use]
    pub fn from_version(mut self, version: Version) -> Self {
        self.from_version = version;
        self
    }

    /// Only events with at most this version in their stream.
    #[must_use]
    pub fn to_version(mut self, version: Version) -> Self {
        self.to_version = version;
        self
    }

    /// Only events whose stream is of this category.
    #[must_use]
    pub fn in_category(mut self, category: impl Into<Cow<'static, str>>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Only events of this type, or of another one named in this way.
    #[must_use]
    pub fn with_type(mut self, event_type: impl Into<Cow<'static, str>>) -> Self {
        self.types.push(event_type.into());
        self
    }

    /// Only events that carry this tag, and every other one named in this way.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// The stream asked for, if one is.
    pub fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// The lowest and the highest version asked for.
    pub fn versions(&self) -> (Version, Version) {
        (self.from_version, self.to_version)
    }

    /// The category asked for, if one is.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    /// The types asked for; none means any.
    pub fn types(&self) -> &[Cow<'static, str>] {
        &self.types
    }

    /// The tags asked for.
    pub fn tags(&self) -> &[Cow<'static, str>] {
        &self.tags
    }

    /// Whether an event is one of those asked for: what the item means.
    pub fn matches(&self, event: &EventRef<'_>) -> bool {
        let version = event.version();
        (self.from_version..=self.to_version).contains(&version)
            && self.stream().is_none_or(|stream| stream == event.stream())
            && self
                .category()
                .is_none_or(|category| category == category_of(event.stream()))
            && (self.types.is_empty() || self.types.iter().any(|own| own == event.event_type()))
            && self.tags.iter().all(|tag| event.tags().contains(tag))
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::all()
    }
}

impl From<QueryItem> for Query {
    fn from(item: QueryItem) -> Self {
        Self::of(item)
    }
}

impl Query {
    /// What this item asks for, without bounds, forward.
    pub fn of(item: QueryItem) -> Self {
        Query {
            items: vec![item],
            after: Position::START,
            up_to: Position::MAX,
            direction: Direction::Forward,
            limit: u64::MAX,
        }
    }

    /// What any of these items asks for; without items, nothing.
    pub fn any_of(items: impl IntoIterator<Item = QueryItem>) -> Self {
        Query {
            items: items.into_iter().collect(),
            ..Self::all()
        }
    }

    /// Everything.
    pub fn all() -> Self {
        Self::of(QueryItem::all())
    }

    /// One stream.
    pub fn stream(stream: impl Into<Cow<'static, str>>) -> Self {
        Self::of(QueryItem::all().in_stream(stream))
    }

    /// All streams of a category: those whose name up to the first `/` is this.
    pub fn category(category: impl Into<Cow<'static, str>>) -> Self {
        Self::of(QueryItem::all().in_category(category))
    }

    /// Adds an item: events that match it are asked for, too.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }

    /// Narrows the last item to this type, or another one named in this way.
    #[must_use]
    pub fn with_type(self, event_type: impl Into<Cow<'static, str>>) -> Self {
        self.narrow(|item| item.with_type(event_type))
    }

    /// Narrows the last item to events that carry this tag.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.narrow(|item| item.with_tag(tag))
    }

    /// Narrows the last item to versions from this one on.
    #[must_use]
    pub fn from_version(self, version: Version) -> Self {
        self.narrow(|item| item.from_version(version))
    }

    /// Narrows the last item to versions up to this one.
    #[must_use]
    pub fn to_version(self, version: Version) -> Self {
        self.narrow(|item| item.to_version(version))
    }

    fn narrow(mut self, change: impl FnOnce(QueryItem) -> QueryItem) -> Self {
        let last = self.items.pop().unwrap_or_default();
        self.items.push(change(last));
        self
    }

    /// Only events after this position.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// Only events up to this position, itself included.
    #[must_use]
    pub fn up_to(mut self, position: Position) -> Self {
        self.up_to = position;
        self
    }

    /// The newest first.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.direction = Direction::Backward;
        self
    }

    /// At most this many events.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// The items, any of which may match.
    pub fn items(&self) -> &[QueryItem] {
        &self.items
    }

    /// The bounds: after the first, up to the second.
    pub fn bounds(&self) -> (Position, Position) {
        (self.after, self.up_to)
    }

    /// The direction.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The most events that are asked for.
    pub fn max_events(&self) -> u64 {
        self.limit
    }

    /// The stream and the versions asked for, if nothing else is.
    pub(crate) fn only_stream(&self) -> Option<(&str, (Version, Version))> {
        let [item] = &*self.items else {
            return None;
        };
        let stream = item.stream()?;
        let is_all = item.category.is_none() && item.types.is_empty() && item.tags.is_empty();
        is_all.then_some((stream, item.versions()))
    }

    /// Whether an event is one of those asked for, direction and limit aside.
    pub fn matches(&self, event: &EventRef<'_>) -> bool {
        self.after < event.position() && event.position() <= self.up_to && self.asks_for(event)
    }

    /// The same, bounds aside as well.
    pub(crate) fn asks_for(&self, event: &EventRef<'_>) -> bool {
        self.items.iter().any(|item| item.matches(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Event, Timestamp};

    fn matches(query: &Query) -> bool {
        let event = Event::new("Placed", "").with_tags(["a", "b"]);
        query.matches(&EventRef::recording(
            &event,
            "orders/42",
            Version::new(3),
            Position::new(10),
            Timestamp::UNIX_EPOCH,
        ))
    }

    #[test]
    fn each_part_of_an_item_binds_on_its_own() {
        assert!(matches(&Query::all()));
        assert!(matches(&Query::stream("orders/42")));
        assert!(!matches(&Query::stream("orders")));
        assert!(matches(&Query::category("orders")));
        assert!(!matches(&Query::category("orders/42")));
        assert!(matches(&Query::all().with_type("Paid").with_type("Placed")));
        assert!(!matches(&Query::all().with_type("Paid")));
        assert!(matches(&Query::all().with_tag("b").with_tag("a")));
        assert!(!matches(&Query::all().with_tag("a").with_tag("c")));
        assert!(matches(
            &Query::all()
                .from_version(Version::new(3))
                .to_version(Version::new(3))
        ));
        assert!(!matches(&Query::all().from_version(Version::new(4))));
        assert!(!matches(&Query::all().to_version(Version::new(2))));
    }

    #[test]
    fn a_query_of_one_stream_is_known_as_such() {
        let all = (Version::NONE, Version::MAX);
        let one = Query::stream("a")
            .after(Position::new(3))
            .limit(9)
            .backward();
        assert_eq!(one.only_stream(), Some(("a", all)));
        let some = Query::stream("a").from_version(Version::new(2));
        let some = some.to_version(Version::new(5));
        let versions = (Version::new(2), Version::new(5));
        assert_eq!(some.only_stream(), Some(("a", versions)));
        let narrowed = [
            Query::all(),
            Query::stream("a/b").or(QueryItem::all().in_stream("c")),
            Query::of(QueryItem::all().in_stream("a/b").in_category("a")),
            Query::stream("a").with_type("T"),
            Query::stream("a").with_tag("t"),
            Query::any_of([]),
        ];
        assert!(narrowed.iter().all(|query| query.only_stream().is_none()));
    }

    #[test]
    fn bounds_exclude_the_lower_and_include_the_upper() {
        assert!(!matches(&Query::all().after(Position::new(10))));
        assert!(matches(&Query::all().after(Position::new(9))));
        assert!(matches(&Query::all().up_to(Position::new(10))));
        assert!(!matches(&Query::all().up_to(Position::new(9))));
    }

    #[test]
    fn items_are_alternatives() {
        let paid = QueryItem::all().with_type("Paid");
        let tagged = QueryItem::all().with_tag("a");
        assert!(matches(&Query::of(paid.clone()).or(tagged.clone())));
        assert!(matches(&Query::of(tagged).or(paid)));
    }
}
