import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isDark } from '../state/theme.ts';
import { useStore } from '../state/store.ts';

interface Line {
  readonly name: string;
  /** Name of a custom property of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly isFilled?: boolean;
}

interface ChartProps {
  readonly label: string;
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number | null | undefined) => string;
  readonly spanMs: number;
}

const HEIGHT = 180;
const SPAN_MS_MIN = 60_000;

/** Lines over at most the last `spanMs`; beneath them what each is now, or was where the pointer is. */
export function Chart({ label, times, lines, format, spanMs }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const dark = useStore(isDark);
  const [width, setWidth] = useState(0);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const data = (): uPlot.AlignedData => [times.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])];
  useEffect(() => {
    const element = box.current;
    if (element === null || width === 0) return;
    plot.current = new uPlot(optionsOf(lines, { width, format, onPoint: setPointed }), data(), element);
    return () => plot.current?.destroy();
  }, [width, dark, lines.length]);
  useEffect(() => {
    const last = times.at(-1);
    if (plot.current === null || last === undefined) return;
    // What has just begun to be drawn is not a sliver at the edge.
    const span = Math.max(SPAN_MS_MIN, Math.min(spanMs, last - (times[0] ?? last)));
    plot.current.batch(() => {
      plot.current?.setData(data(), false);
      plot.current?.setScale('x', { min: (last - span) / 1000, max: last / 1000 });
    });
  }, [times, width, dark]);

  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const now = lines.map(({ name, values }) => `${name} ${format(values[at])}`).join(', ');
  return (
    <div class="chart">
      <div ref={box} class="chart-plot" role="img" aria-label={`${label}: ${now}`} style={{ height: `${HEIGHT}px` }} />
      <ul class="legend">
        {lines.map(({ name, colour, values }) => (
          <li key={name}>
            <span class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" />
            {name} <span class="num strong">{format(values[at])}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Drawing {
  readonly width: number;
  readonly format: ChartProps['format'];
  readonly onPoint: (index: number | null) => void;
}

function optionsOf(lines: readonly Line[], { width, format, onPoint }: Drawing): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line-soft'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, space: 70, size: 26, gap: 8, values: [[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]] },
      { ...axis, size: 58, values: (_, splits) => splits.map((value) => shortened(value, format)) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 1.5,
        points: { show: false },
        ...(line.isFilled === true ? { fill: `${colour(line.colour)}22` } : {}),
      })),
    ],
    hooks: { setCursor: [(drawn) => onPoint(drawn.cursor.idx ?? null)] },
  };
}

/** Without digits that say nothing. */
function shortened(value: number, format: ChartProps['format']): string {
  return value === 0 ? '0' : format(value).replace(/\.0+(?!\d)/, '');
}
