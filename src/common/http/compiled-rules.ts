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
  checks: { constraint: ValidatorConstraintInterface; given: Given }[];
}

/** What a rule is told of a value: one for each rule, filled in anew for each value, since a message has dozens of rules. No rule checks an object of its own class. */
type Given = Omit<ValidationArguments, 'object'> & { object: object | undefined };

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
  const fields = [...names].map((name) => fieldOf(dto, name, rules));
  return (object) => {
    for (const name of Object.keys(object)) if (!names.has(name)) return false;
    for (const field of fields) if (!keeps(object as Record<string, unknown>, field)) return false;
    return true;
  };
}

/** Loops, and no functions made for each value: this runs for everything that a socket sends. */
function keeps(object: Record<string, unknown>, { name, conditions, checks }: Field): boolean {
  const value = object[name];
  for (const condition of conditions) if (!condition(object, value)) return true;
  for (const { constraint, given } of checks) {
    given.object = object;
    given.value = value;
    const isKept = constraint.validate(value, given as ValidationArguments) === true;
    // No payload stays here.
    given.object = given.value = undefined;
    if (!isKept) return false;
  }
  return true;
}

/** What the classes of sockets use; the rest of class-validator is left to itself. */
const isSimple = (rule: Rule): boolean =>
  (rule.type === ValidationTypes.CONDITIONAL_VALIDATION || rule.type === ValidationTypes.CUSTOM_VALIDATION) &&
  !rule.each &&
  !rule.validateIf &&
  (rule.groups ?? []).length === 0 &&
  constraintsOf(rule).every(({ async }) => !async);

function fieldOf(dto: new () => object, name: string, rules: Rule[]): Field {
  const mine = rules.filter(({ propertyName }) => propertyName === name);
  const [conditional, custom] = [ValidationTypes.CONDITIONAL_VALIDATION, ValidationTypes.CUSTOM_VALIDATION].map(
    (type) => mine.filter((rule) => rule.type === type),
  ) as [Rule[], Rule[]];
  return {
    name,
    conditions: conditional.map(({ constraints }) => constraints[0] as Condition),
    checks: custom.flatMap((rule) =>
      constraintsOf(rule).map(({ instance }) => {
        const constraints = rule.constraints as unknown[];
        return {
          constraint: instance,
          given: { targetName: dto.name, property: name, object: undefined, value: undefined, constraints },
        };
      }),
    ),
  };
}

const constraintsOf = (rule: Rule) =>
  rule.type === ValidationTypes.CUSTOM_VALIDATION
    ? getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls)
    : [];
