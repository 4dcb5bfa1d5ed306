//! The shape of data, as text.

use serde_json::Value;
use std::fmt;

/// What data looks like, whatever its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `text`, `u32`, `anything`, ...
    Simple(&'static str),
    Optional(Box<Shape>),
    List(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Tuple(Vec<Shape>),
    Struct(Vec<(String, Shape)>),
    Enum(Vec<(String, Shape)>),
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Simple(name) => out.write_str(name),
            Shape::Optional(inner) => write!(out, "optional {inner}"),
            Shape::List(inner) => write!(out, "list of {inner}"),
            Shape::Map(key, value) => write!(out, "map of {key} to {value}"),
            Shape::Tuple(parts) => {
                out.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(out, "{comma}{part}")?;
                }
                out.write_str(")")
            }
            Shape::Struct(fields) => write_named(out, "{", fields, "}"),
            Shape::Enum(variants) => write_named(out, "one of <", variants, ">"),
        }
    }
}

fn write_named(
    out: &mut fmt::Formatter<'_>,
    open: &str,
    parts: &[(String, Shape)],
    close: &str,
) -> fmt::Result {
    out.write_str(open)?;
    for (index, (name, shape)) in parts.iter().enumerate() {
        let comma = if index == 0 { " " } else { ", " };
        write!(out, "{comma}{name}: {shape}")?;
    }
    let space = if parts.is_empty() { "" } else { " " };
    write!(out, "{space}{close}")
}

/// The shape of one value in JSON. Of lists the first element counts.
pub(super) fn of_json(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Simple("nothing"),
        Value::Bool(_) => Shape::Simple("bool"),
        Value::Number(number) if number.is_f64() => Shape::Simple("fraction"),
        Value::Number(_) => Shape::Simple("integer"),
        Value::String(_) => Shape::Simple("text"),
        Value::Array(items) => {
            let first = items.first().map_or(Shape::Simple("unknown"), of_json);
            Shape::List(Box::new(first))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            Shape::Struct(
                fields
                    .map(|(name, own)| (name.clone(), of_json(own)))
                    .collect(),
            )
        }
    }
}
