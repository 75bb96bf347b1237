import { Component, type ComponentClass, type FunctionComponent } from 'preact';

/** Drawn anew where what it is given has changed, or a signal that it reads; not whenever its parent is. */
export function memo<P extends object>(Draw: FunctionComponent<P>): ComponentClass<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return (Object.keys({ ...this.props, ...next }) as (keyof P)[]).some((name) => this.props[name] !== next[name]);
    }

    override render() {
      return <Draw {...this.props} />;
    }
  };
}
