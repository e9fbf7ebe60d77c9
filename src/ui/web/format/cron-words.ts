/** Schedules in words, where words are shorter than thinking: everything else is shown as it is written. */

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const number = /^\d{1,2}$/;
const step = /^\*\/(\d{1,2})$/;

/** @returns for example `every day at 02:30`, or undefined when the fields say something rarer */
export function cronInWords(cron: string): string | undefined {
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...more] = cron.trim().split(/\s+/);
  if (weekday === '' || more.length > 0 || month !== '*') return undefined;
  if (hour === '*' && day === '*' && weekday === '*') return everyHour(minute);
  if (!number.test(minute)) return undefined;
  const hours = step.exec(hour);
  if (hours && day === '*' && weekday === '*') {
    const at = Number(minute) === 0 ? '' : `, ${minute} m past`;
    return `every ${hours[1]} h${at}`;
  }
  if (!number.test(hour)) return undefined;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (day === '*' && weekday === '*') return `every day at ${time}`;
  if (day === '*' && number.test(weekday)) return `every ${days[Number(weekday)] ?? ''} at ${time}`;
  if (day === '*' && weekday === '1-5') return `Monday to Friday at ${time}`;
  if (weekday === '*' && number.test(day)) return `on day ${day} of each month at ${time}`;
  return undefined;
}

function everyHour(minute: string): string | undefined {
  if (minute === '*') return 'every minute';
  const minutes = step.exec(minute);
  if (minutes) return `every ${minutes[1]} m`;
  if (!number.test(minute)) return undefined;
  return Number(minute) === 0 ? 'every hour' : `every hour, ${Number(minute)} m past`;
}
