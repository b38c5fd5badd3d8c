//! How much work checking a value is, computed from the schema before it begins.
//!
//! A subschema that is applied to a value looks at it, applies others to the same value and others to its children. The
//! number of looks at one value `k` levels down is therefore a sum over the schema, whatever the values are, and by
//! dynamic programming cheap to compute for all levels. Doubling references and nested `anyOf` make it large; nothing can
//! make it wrong. A subschema that applies itself to the same value again is refused.

use serde_json::Value;

use super::{
    bounds::MAX_VALUE_DEPTH,
    error::SchemaError,
    reading::{Read, Subschema},
};

/// How many subschemas may follow each other on the same value. It bounds how deep checking goes.
const MAX_CHAIN: usize = 16;
/// The maximum of the looks at a value itself.
const MAX_AT_ROOT: u64 = 20_000;

const LEVELS: usize = MAX_VALUE_DEPTH + 1;
type Levels = [u64; LEVELS];

/// The number of looks at one value on each level.
#[derive(Debug, Clone)]
pub struct Work {
    levels: Levels,
}

/// The looks of one subschema and all that it applies.
#[derive(Clone, Copy)]
struct Looks {
    /// To decide whether a value fits.
    deciding: Levels,
    /// To name what is wrong with it, which decides on some parts again.
    naming: Levels,
}

const NONE: Looks = Looks { deciding: [0; LEVELS], naming: [0; LEVELS] };

impl Work {
    /// The work that a schema makes.
    pub fn of(read: &Read) -> Result<Self, SchemaError> {
        let order = innermost_first(&read.subschemas)?;
        let mut looks = vec![NONE; read.subschemas.len()];
        for level in 0..LEVELS {
            for &at in &order {
                let (deciding, naming) = on_level(&read.subschemas[at], &looks, level);
                looks[at].deciding[level] = deciding;
                looks[at].naming[level] = naming;
            }
        }
        let root = looks[0];
        let levels = std::array::from_fn(|level| root.deciding[level].saturating_add(root.naming[level]));
        match levels[0] > MAX_AT_ROOT {
            true => Err(SchemaError::TooComplex("the schema is too complex to be checked quickly".into())),
            false => Ok(Self { levels }),
        }
    }

    /// The work of checking a value; `None` if it is nested too deeply.
    pub fn on(&self, value: &Value) -> Option<u64> {
        let mut work = 0_u64;
        let mut open = vec![(value, 0)];
        while let Some((value, level)) = open.pop() {
            let looks = self.levels.get(level)?;
            let size = match value {
                Value::String(text) => 1 + text.len() as u64 / 32,
                Value::Array(elements) => {
                    open.extend(elements.iter().map(|element| (element, level + 1)));
                    1
                }
                Value::Object(members) => {
                    open.extend(members.values().map(|member| (member, level + 1)));
                    // The names are children, too.
                    let names = members.keys().map(|name| 1 + name.len() as u64 / 32).sum::<u64>();
                    let below = self.levels.get(level + 1).copied().unwrap_or(0);
                    work = work.saturating_add(names.saturating_mul(below));
                    1
                }
                _ => 1,
            };
            work = work.saturating_add(looks.saturating_mul(size));
        }
        Some(work)
    }
}

/// The looks of a subschema on one level, where those of the levels above it, and those that it applies to the same value,
/// are known.
fn on_level(subschema: &Subschema, looks: &[Looks], level: usize) -> (u64, u64) {
    let mut deciding = 0_u64;
    let mut naming = 0_u64;
    let mut add = |more: (u64, u64)| {
        deciding = deciding.saturating_add(more.0);
        naming = naming.saturating_add(more.1);
    };
    if level == 0 {
        add((subschema.own, subschema.own));
    } else if subschema.whole {
        add((4, 4));
    }
    for &at in &subschema.same {
        add((looks[at].deciding[level], looks[at].naming[level]));
    }
    for &at in &subschema.same_twice {
        let decided = looks[at].deciding[level];
        add((decided, looks[at].naming[level].saturating_add(decided)));
    }
    if let Some(above) = level.checked_sub(1) {
        let of = |at: usize| (looks[at].deciding[above], looks[at].naming[above]);
        let children = subschema.one_of_children.iter().map(|&at| of(at));
        add(children.fold((0, 0), |most, next| (most.0.max(next.0), most.1.max(next.1))));
        for &at in &subschema.all_of_children {
            let (decided, named) = of(at);
            add((decided, named.saturating_add(decided)));
        }
    }
    (deciding, naming)
}

/// The subschemas in an order in which each comes after those that it applies to the same value.
fn innermost_first(subschemas: &[Subschema]) -> Result<Vec<usize>, SchemaError> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; subschemas.len()];
    let mut chains = vec![1_usize; subschemas.len()];
    let mut order = Vec::with_capacity(subschemas.len());
    for root in 0..subschemas.len() {
        let mut open = vec![(root, 0_usize)];
        while let Some((at, next)) = open.pop() {
            let applied = |index: usize| {
                let subschema = &subschemas[at];
                subschema.same.iter().chain(&subschema.same_twice).nth(index).copied()
            };
            if next == 0 {
                if seen[at] == Seen::Done {
                    continue;
                }
                seen[at] = Seen::Open;
            }
            let Some(inner) = applied(next) else {
                seen[at] = Seen::Done;
                let longest =
                    subschemas[at].same.iter().chain(&subschemas[at].same_twice).map(|&at| chains[at]);
                chains[at] = 1 + longest.max().unwrap_or(0);
                if chains[at] > MAX_CHAIN {
                    return Err(SchemaError::TooComplex(format!(
                        "at most {MAX_CHAIN} schemas may be applied within each other to the same value"
                    )));
                }
                order.push(at);
                continue;
            };
            open.push((at, next + 1));
            match seen[inner] {
                Seen::Open => {
                    return Err(SchemaError::invalid(
                        &subschemas[inner].path,
                        "applies itself to the same value again",
                    ));
                }
                Seen::No => open.push((inner, 0)),
                Seen::Done => {}
            }
        }
    }
    Ok(order)
}
