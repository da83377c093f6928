/** A token bucket: `burst` requests at once, `ratePerSecond` in the long run. */
export function createThrottle(ratePerSecond: number, burst: number) {
  let tokens = burst;
  let filledAtMs = performance.now();
  return (): boolean => {
    const nowMs = performance.now();
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) * ratePerSecond) / 1000);
    filledAtMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
