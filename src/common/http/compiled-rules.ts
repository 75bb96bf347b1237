import {
  getMetadataStorage,
  type ValidationArguments,
  ValidationTypes,
  type ValidatorConstraintInterface,
} from 'class-validator';

/** `metadata` of class-validator, which does not export its type. */
type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Condition = (object: object, value: unknown) => boolean;

interface Field {
  name: string;
  /** Only where all of them hold, its value is checked. */
  conditions: Condition[];
  checks: { constraint: ValidatorConstraintInterface; parameters: unknown[] }[];
}

/** Whether an object of a class keeps all of its rules, and has no other fields. `false` may also mean that it is not known. */
type Accepts = (object: object) => boolean;

const compiled = new WeakMap<object, Accepts>();

/**
 * The rules of a class's decorators, looked up once: class-validator collects, sorts and filters them for each object, which takes longer
 * than to check them. For whatever is not accepted here, ask class-validator: it also says what is wrong.
 */
export function acceptsOf(dto: new () => object): Accepts {
  let accepts = compiled.get(dto);
  if (!accepts) compiled.set(dto, (accepts = compile(dto)));
  return accepts;
}

function compile(dto: new () => object): Accepts {
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  if (rules.length === 0 || !rules.every(isSimple)) return () => false;
  const names = new Set(rules.map(({ propertyName }) => propertyName));
  const fields = [...names].map((name) => fieldOf(name, rules));
  const keeps = (object: Record<string, unknown>, { name, conditions, checks }: Field): boolean => {
    const value = object[name];
    if (!conditions.every((condition) => condition(object, value))) return true;
    return checks.every(({ constraint, parameters }) => {
      const given: ValidationArguments = {
        targetName: dto.name,
        property: name,
        object,
        value,
        constraints: parameters,
      };
      return constraint.validate(value, given) === true;
    });
  };
  return (object) =>
    Object.keys(object).every((name) => names.has(name)) &&
    fields.every((field) => keeps(object as Record<string, unknown>, field));
}

/** What the classes of sockets use; the rest of class-validator is left to itself. */
const isSimple = (rule: Rule): boolean =>
  (rule.type === ValidationTypes.CONDITIONAL_VALIDATION || rule.type === ValidationTypes.CUSTOM_VALIDATION) &&
  !rule.each &&
  !rule.validateIf &&
  (rule.groups ?? []).length === 0 &&
  constraintsOf(rule).every(({ async }) => !async);

function fieldOf(name: string, rules: Rule[]): Field {
  const mine = rules.filter(({ propertyName }) => propertyName === name);
  const [conditional, custom] = [ValidationTypes.CONDITIONAL_VALIDATION, ValidationTypes.CUSTOM_VALIDATION].map(
    (type) => mine.filter((rule) => rule.type === type),
  ) as [Rule[], Rule[]];
  return {
    name,
    conditions: conditional.map(({ constraints }) => constraints[0] as Condition),
    checks: custom.flatMap((rule) =>
      constraintsOf(rule).map(({ instance }) => ({ constraint: instance, parameters: rule.constraints })),
    ),
  };
}

const constraintsOf = (rule: Rule) =>
  rule.type === ValidationTypes.CUSTOM_VALIDATION
    ? getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls)
    : [];
