//! Values of closed lists, by their names.

use std::str::FromStr;

use strum::VariantArray;

use crate::app::{Error, Result};

/// A value by its name.
pub(super) fn named<T>(field: impl Into<String>, text: &str) -> Result<T>
where
    T: FromStr + VariantArray + Copy + 'static,
    &'static str: From<T>,
{
    text.parse().map_err(|_| {
        let names: Vec<&str> = T::VARIANTS.iter().map(|value| (*value).into()).collect();
        Error::invalid(field.into(), format!("must be one of {}", names.join(", ")))
    })
}

/// A value by its name, which must be there.
pub(super) fn required<T>(field: String, text: Option<&str>) -> Result<T>
where
    T: FromStr + VariantArray + Copy + 'static,
    &'static str: From<T>,
{
    match text {
        Some(text) => named(field, text),
        None => Err(Error::invalid(field, "is required")),
    }
}

/// A value by its name, if it is there.
pub(super) fn optional<T>(field: impl Into<String>, text: Option<&str>) -> Result<Option<T>>
where
    T: FromStr + VariantArray + Copy + 'static,
    &'static str: From<T>,
{
    text.filter(|text| !text.is_empty()).map(|text| named(field, text)).transpose()
}
