//! The parser of filters (RFC 7644 §3.4.2.2).
//!
//! It is a recursive descent with bounded length, depth and number of terms, so that no input can exhaust
//! the stack. Beyond the grammar it accepts what identity providers send: a sub-attribute after a value path
//! (`emails[type eq "work"].value eq "x"`), booleans in quotes, a complex attribute for its `value`
//! (`members eq "x"`), and integers for text. It also type-checks: comparisons that the attribute's
//! definition does not allow are rejected here and nowhere else.
//!
//! Whether strings need quotes is [`Quoting`]; everything else is the same.

use base::bounded_json::quoted;
use serde_json::Number;

use crate::{
    AttributePath, Error, Filter,
    filter::{Literal, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, MAX_FILTER_TERMS, Operator, Quoting},
    schema::{Attribute, Returned, Type},
};

impl Filter {
    /// Parses a filter. Every error is [`Error::InvalidFilter`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, Quoting::Required)
    }

    /// The same, with this rule for quotes.
    pub fn parse_with(text: &str, quoting: Quoting) -> Result<Self, Error> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(Error::InvalidFilter(format!("a filter is longer than {MAX_FILTER_BYTES} bytes")));
        }
        let mut parser = Parser::new(text, Scope::Resource, quoting);
        let filter = parser.disjunction()?;
        parser.skip_whitespace();
        match parser.rest() {
            "" => Ok(filter),
            rest => Err(unexpected(rest)),
        }
    }

    /// Parses the filter in brackets after `parent`, up to the closing bracket, and returns it with the rest.
    pub(super) fn parse_element<'a>(
        parent: Option<&'static Attribute>,
        text: &'a str,
        quoting: Quoting,
    ) -> Result<(Self, &'a str), Error> {
        let mut parser = Parser::new(text, Scope::Element(parent), quoting);
        let filter = parser.disjunction()?;
        parser.skip_whitespace();
        match parser.rest().strip_prefix(']') {
            Some(rest) => Ok((filter, rest)),
            None => Err(unexpected(parser.rest())),
        }
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::InvalidFilter(detail.into())
}

fn unexpected(rest: &str) -> Error {
    match rest {
        "" => invalid("the filter ends too early"),
        _ => invalid(format!("{} is not expected there", quoted(rest))),
    }
}

/// What attribute names are relative to.
#[derive(Clone, Copy)]
enum Scope {
    Resource,
    Element(Option<&'static Attribute>),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
    scope: Scope,
    quoting: Quoting,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, scope: Scope, quoting: Quoting) -> Self {
        Self { text, at: 0, depth: 0, terms: 0, scope, quoting }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_whitespace(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t']);
        self.at += rest.len() - trimmed.len();
        rest.len() != trimmed.len()
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// The characters up to the next space, bracket, parenthesis or quote.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '\t', '(', ')', '[', ']', '"']).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MAX_FILTER_DEPTH {
            return Err(invalid(format!("the filter is nested deeper than {MAX_FILTER_DEPTH}")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// `and` has higher precedence than `or`.
    fn disjunction(&mut self) -> Result<Filter, Error> {
        self.joined("or", Self::conjunction, Filter::Or)
    }

    fn conjunction(&mut self) -> Result<Filter, Error> {
        self.joined("and", Self::factor, Filter::And)
    }

    fn joined(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Result<Filter, Error>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, Error> {
        let first = part(self)?;
        let mut parts = Vec::new();
        loop {
            self.skip_whitespace();
            if !self.keyword(keyword) {
                break;
            }
            parts.push(part(self)?);
        }
        if parts.is_empty() {
            return Ok(first);
        }
        parts.insert(0, first);
        Ok(join(parts))
    }

    fn factor(&mut self) -> Result<Filter, Error> {
        self.skip_whitespace();
        if self.rest().starts_with('(') {
            return self.group();
        }
        if self.word().eq_ignore_ascii_case("not") {
            let start = self.at;
            self.at += 3;
            self.skip_whitespace();
            if self.rest().starts_with('(') {
                return self.nested(|parser| Ok(Filter::Not(Box::new(parser.group()?))));
            }
            self.at = start;
        }
        self.term()
    }

    fn group(&mut self) -> Result<Filter, Error> {
        self.take('(');
        let filter = self.nested(Self::disjunction)?;
        self.skip_whitespace();
        if self.take(')') { Ok(filter) } else { Err(unexpected(self.rest())) }
    }

    fn term(&mut self) -> Result<Filter, Error> {
        self.terms += 1;
        if self.terms > MAX_FILTER_TERMS {
            return Err(invalid(format!("the filter has more than {MAX_FILTER_TERMS} comparisons")));
        }
        let name = self.word();
        if name.is_empty() {
            return Err(unexpected(self.rest()));
        }
        let path = match self.scope {
            Scope::Resource => AttributePath::parse(name),
            Scope::Element(parent) => AttributePath::within(parent, name),
        }
        .map_err(|error| invalid(error.detail()))?;
        self.at += name.len();
        if self.take('[') {
            return self.element(path);
        }
        self.comparison(path)
    }

    /// `path[filter]`, and `path[filter].sub op value`, where the same element must match both.
    fn element(&mut self, path: AttributePath) -> Result<Filter, Error> {
        let Scope::Resource = self.scope else {
            return Err(invalid("brackets may not stand within brackets"));
        };
        let parent = path.definition();
        if path.is_schema()
            || path.sub().is_some()
            || parent.is_some_and(|it| it.kind != Type::Complex && !it.multi_valued)
        {
            return Err(invalid(format!("{path} has no values to filter")));
        }
        self.scope = Scope::Element(parent);
        let filter = self.element_filter();
        self.scope = Scope::Resource;
        Ok(Filter::Element { path, filter: Box::new(filter?) })
    }

    fn element_filter(&mut self) -> Result<Filter, Error> {
        let filter = self.nested(Self::disjunction)?;
        self.skip_whitespace();
        if !self.take(']') {
            return Err(unexpected(self.rest()));
        }
        if !self.take('.') {
            return Ok(filter);
        }
        let also = self.term()?;
        Ok(match filter {
            Filter::And(mut parts) => {
                parts.push(also);
                Filter::And(parts)
            }
            filter => Filter::And(vec![filter, also]),
        })
    }

    fn definition(&self, path: &AttributePath) -> Option<&'static Attribute> {
        match self.scope {
            Scope::Resource => path.target(),
            Scope::Element(parent) => parent?.sub_attribute(path.name()),
        }
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, Error> {
        let definition = self.definition(&path);
        if definition.is_some_and(|definition| definition.returned == Returned::Never) {
            return Err(invalid(format!("{path} cannot be filtered by")));
        }
        if !self.skip_whitespace() {
            return Err(unexpected(self.rest()));
        }
        if self.keyword("pr") {
            return Ok(Filter::Present(path));
        }
        let word = self.word();
        let known = Operator::ALL.into_iter().find(|operator| operator.name().eq_ignore_ascii_case(word));
        let Some(operator) = known else {
            return Err(match word {
                "" => unexpected(self.rest()),
                _ => invalid(format!("{} is not an operator", quoted(word))),
            });
        };
        self.at += word.len();
        if !self.skip_whitespace() {
            return Err(unexpected(self.rest()));
        }
        let (path, definition) = value_attribute(path, definition)?;
        let value = match self.quoting {
            Quoting::Required => self.literal()?,
            Quoting::Optional => self.loose_literal(definition)?,
        };
        let value = coerce_literal(&path, definition, operator, value)?;
        Ok(Filter::Compare { path, operator, value })
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        if self.rest().starts_with('"') {
            return self.text();
        }
        let word = self.word();
        if word.is_empty() {
            return Err(unexpected(self.rest()));
        }
        let literal = word_literal(word)
            .ok_or_else(|| invalid(format!("{} is not a value: strings need double quotes", quoted(word))))?;
        self.at += word.len();
        Ok(literal)
    }

    /// A value that needs no quotes.
    fn loose_literal(&mut self, definition: Option<&'static Attribute>) -> Result<Literal, Error> {
        let literal = match self.rest().chars().next() {
            Some('"') => self.text()?,
            Some('\'') => self.single_quoted()?,
            _ => self.unquoted(definition)?,
        };
        // What follows a value is separate from it.
        match self.rest().chars().next() {
            None | Some(' ' | '\t' | ')' | ']') => Ok(literal),
            Some(_) => Err(unexpected(self.rest())),
        }
    }

    /// A string in single quotes, without escapes.
    fn single_quoted(&mut self) -> Result<Literal, Error> {
        let text = self.rest().get(1..).and_then(|rest| rest.split_once('\'')).map(|(text, _)| text);
        let Some(text) = text else { return Err(invalid("a string is not closed")) };
        self.at += text.len() + 2;
        text_literal(text)
    }

    /// The words up to the next `and`, `or` or `not`, joined by single blanks.
    fn unquoted(&mut self, definition: Option<&'static Attribute>) -> Result<Literal, Error> {
        let is_keyword =
            |word: &str| ["and", "or", "not"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
        let mut words = Vec::new();
        loop {
            let word = self.word();
            if word.is_empty() || is_keyword(word) {
                break;
            }
            words.push(word);
            self.at += word.len();
            let end = self.at;
            if !self.skip_whitespace() || self.word().is_empty() || is_keyword(self.word()) {
                self.at = end;
                break;
            }
        }
        let text = match words.as_slice() {
            [] => return Err(unexpected(self.rest())),
            // Without a definition the word itself says what it is.
            [word] if definition.is_none() => match word_literal(word) {
                Some(literal) => return Ok(literal),
                None => (*word).to_owned(),
            },
            [word] if word.eq_ignore_ascii_case("null") => return Ok(Literal::Null),
            words => words.join(" "),
        };
        text_literal(&text)
    }

    /// A JSON string (RFC 7644 §3.4.2.2: `compValue`).
    fn text(&mut self) -> Result<Literal, Error> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|&(_, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else { return Err(invalid("a string is not closed")) };
        let quoted_text = rest.get(..=end).unwrap_or_default();
        let text: String = serde_json::from_str(quoted_text)
            .map_err(|_| invalid(format!("{} is not a JSON string", quoted(quoted_text))))?;
        self.at += quoted_text.len();
        text_literal(&text)
    }
}

fn text_literal(text: &str) -> Result<Literal, Error> {
    match text.contains('\0') {
        true => Err(invalid("a string holds U+0000")),
        false => Ok(Literal::Text(text.to_owned())),
    }
}

/// The value that a word without quotes stands for, if it is no text.
fn word_literal(word: &str) -> Option<Literal> {
    match word {
        _ if word.eq_ignore_ascii_case("true") => Some(Literal::Boolean(true)),
        _ if word.eq_ignore_ascii_case("false") => Some(Literal::Boolean(false)),
        _ if word.eq_ignore_ascii_case("null") => Some(Literal::Null),
        _ => number(word).map(Literal::Number),
    }
}

/// A JSON number. Fractions are parsed by the standard library, which rounds correctly.
fn number(word: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(word).ok()?;
    if number.is_f64() { Number::from_f64(word.parse().ok()?) } else { Some(number) }
}

/// A complex attribute is compared by its `value` (RFC 7643 §2.4).
fn value_attribute(
    path: AttributePath,
    definition: Option<&'static Attribute>,
) -> Result<(AttributePath, Option<&'static Attribute>), Error> {
    if path.is_schema() {
        return Err(invalid(format!("{path} has no value to compare")));
    }
    match definition {
        Some(complex) if complex.kind == Type::Complex => match complex.sub_attribute("value") {
            Some(value) => {
                Ok((path.with_sub("value").map_err(|error| invalid(error.detail()))?, Some(value)))
            }
            None => Err(invalid(format!("{path} has no value of its own: name one of its sub-attributes"))),
        },
        other => Ok((path, other)),
    }
}

/// Converts the literal to the type of its attribute, if the operator applies to that type.
fn coerce_literal(
    path: &AttributePath,
    definition: Option<&'static Attribute>,
    operator: Operator,
    literal: Literal,
) -> Result<Literal, Error> {
    let refused = |what: &str| {
        Err(invalid(format!("{path} {what}, and cannot be compared in this way with {}", operator.name())))
    };
    if literal == Literal::Null {
        return if matches!(operator, Operator::Eq | Operator::Ne) {
            Ok(literal)
        } else {
            Err(invalid(format!("null cannot be compared with {}", operator.name())))
        };
    }
    let Some(definition) = definition else {
        return match literal {
            Literal::Boolean(_) if !matches!(operator, Operator::Eq | Operator::Ne) => {
                refused("is compared with a boolean")
            }
            Literal::Number(_) if operator.is_substring() => refused("is compared with a number"),
            literal => Ok(literal),
        };
    };
    match (definition.kind, literal) {
        (Type::Boolean, _) if !matches!(operator, Operator::Eq | Operator::Ne) => refused("is a boolean"),
        (Type::Boolean, Literal::Boolean(value)) => Ok(Literal::Boolean(value)),
        (Type::Boolean, Literal::Text(text)) if text.eq_ignore_ascii_case("true") => {
            Ok(Literal::Boolean(true))
        }
        (Type::Boolean, Literal::Text(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Literal::Boolean(false))
        }
        (Type::Boolean, _) => refused("is a boolean"),
        (Type::Binary, _) if operator.is_ordering() => refused("is binary"),
        (Type::DateTime, _) if operator.is_substring() => refused("is a date and time"),
        (Type::DateTime, literal) if literal.date_time().is_some() => Ok(literal),
        (Type::DateTime, _) => refused("is a date and time as in \"2026-11-21T21:41:37Z\""),
        (_, Literal::Text(text)) => Ok(Literal::Text(text)),
        (_, Literal::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Literal::Text(number.to_string()))
        }
        _ => refused("is text"),
    }
}
