/** Form controls. Each is a native element underneath, so that keys and screen readers work as everywhere. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export function Segmented<T extends string>(props: {
  label: string;
  choices: readonly { value: T; label: string }[];
  value: T;
  note?: string;
  onChange: (value: T) => void;
}) {
  const { label, choices, value, note, onChange } = props;
  const name = useId();
  return (
    <fieldset class="field">
      <legend class="field-label">{label}</legend>
      <div class="segmented">
        {choices.map((choice) => (
          <label key={choice.value} class={choice.value === value ? "segment is-on" : "segment"}>
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            {choice.label}
          </label>
        ))}
      </div>
      {note && <p class="field-note">{note}</p>}
    </fieldset>
  );
}

export function Select<T extends string>(props: {
  label: string;
  choices: readonly { value: T; label: string }[];
  value: T;
  note?: string;
  onChange: (value: T) => void;
}) {
  const { label, choices, value, note, onChange } = props;
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value} selected={choice.value === value}>
            {choice.label}
          </option>
        ))}
      </select>
      {note && <p class="field-note">{note}</p>}
    </div>
  );
}

/** A slider over given stops. A value between two of them stands at the nearest. */
export function StopSlider(props: {
  label: string;
  stops: readonly number[];
  value: number;
  format?: (value: number) => string;
  note?: ComponentChildren;
  disabled?: boolean;
  onChange: (value: number) => void;
}) {
  const { label, stops, value, format = String, note, disabled, onChange } = props;
  const nearest = stops.reduce(
    (best, stop, i) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? i : best),
    0,
  );
  return (
    <Slider
      label={label}
      min={0}
      max={stops.length - 1}
      step={1}
      value={nearest}
      format={() => format(value)}
      note={note}
      disabled={disabled}
      onChange={(stop) => onChange(stops[stop])}
    />
  );
}

export function Slider(props: {
  label: string;
  min: number;
  max: number;
  step: number;
  value: number;
  format?: (value: number) => string;
  note?: ComponentChildren;
  disabled?: boolean;
  onChange: (value: number) => void;
}) {
  const { label, min, max, step, value, format = String, note, disabled, onChange } = props;
  const id = useId();
  return (
    <div class="field">
      <div class="field-head">
        <label class="field-label" for={id}>
          {label}
        </label>
        <output class="field-value" for={id}>
          {format(value)}
        </output>
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        disabled={disabled}
        aria-valuetext={format(value)}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
      {note && <p class="field-note">{note}</p>}
    </div>
  );
}

/** What logits are divided by when a model writes. */
export function TemperatureSlider(props: {
  value: number;
  disabled?: boolean;
  onChange: (value: number) => void;
}) {
  return (
    <Slider
      label="Temperature"
      min={0}
      max={1.5}
      step={0.05}
      format={(value) => value.toFixed(2)}
      note="low: the likeliest token; high: bolder · Ackley, Hinton & Sejnowski 1985"
      {...props}
    />
  );
}

/** A button that opens a file. */
export function FileButton(props: {
  accept?: string;
  class?: string;
  children: ComponentChildren;
  onFile: (file: File) => void;
}) {
  const { accept, children, onFile } = props;
  return (
    <label class={`button ${props.class ?? ""}`}>
      <input
        type="file"
        class="visually-hidden"
        accept={accept}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? [];
          event.currentTarget.value = "";
          if (file) onFile(file);
        }}
      />
      {children}
    </label>
  );
}

/** What went wrong, or what to know. */
export function Notice({
  kind = "info",
  children,
}: {
  kind?: "info" | "error";
  children: ComponentChildren;
}) {
  return (
    <div class={`notice is-${kind}`} role={kind === "error" ? "alert" : "note"}>
      {children}
    </div>
  );
}

export function Figure({
  label,
  value,
  unit,
  title,
}: {
  label: string;
  value: string;
  unit?: string;
  title?: string;
}) {
  return (
    <div class="figure" title={title}>
      <dt>{label}</dt>
      <dd>
        {value}
        {unit && <span class="unit"> {unit}</span>}
      </dd>
    </div>
  );
}
