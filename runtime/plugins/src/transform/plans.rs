//! What a transformation does to values of one schema, worked out once.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use millstream_api::{Result, schema};

/// How many schemas are remembered, as in Kafka Connect.
const MOST: usize = 16;

/// The plans for the last schemas.
pub(crate) struct Plans<P>(Vec<(FieldRef, Arc<P>)>);

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P> Plans<P> {
    /// The plan for this schema, made if it is not there. A schema that comes as the same object as before costs a comparison of
    /// pointers. Errors are not remembered.
    pub fn of(&mut self, field: &FieldRef, make: impl FnOnce() -> Result<P>) -> Result<Arc<P>> {
        let known = self.0.iter().position(|(known, _)| Arc::ptr_eq(known, field));
        let known = known.or_else(|| self.0.iter().position(|(known, _)| schema::same(known, field)));
        if let Some((known, plan)) = known.and_then(|place| self.0.get_mut(place)) {
            *known = field.clone();
            return Ok(plan.clone());
        }
        let plan = Arc::new(make()?);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((field.clone(), plan.clone()));
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use millstream_api::Error;

    use super::*;

    #[test]
    fn a_plan_is_made_once_for_equal_schemas() {
        let field = |name: &str| Arc::new(Field::new(name, DataType::Int8, true));
        let mut plans = Plans::default();
        assert_eq!(*plans.of(&field("a"), || Ok(1)).unwrap(), 1);
        assert_eq!(*plans.of(&field("a"), || Err(Error::data("made again"))).unwrap(), 1);
        assert!(plans.of(&field("b"), || Err(Error::data("no"))).is_err());
        for number in 0..20 {
            plans.of(&field(&number.to_string()), || Ok(number)).unwrap();
        }
        assert_eq!(plans.0.len(), MOST);
        assert_eq!(*plans.of(&field("a"), || Ok(2)).unwrap(), 2, "the oldest is forgotten");
    }
}
