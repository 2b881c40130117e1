// Added to the end of the package's core.js: one page load is one seeded episode.
//
// The problem is the one that the package's own environment makes of the seed (it seeds Math.random in the same way
// just before `startEpisodeReal`). There is no start screen, no time limit and no scoreboard, and the outcome stays in
// the page's own globals. An outcome is final: loading the page again in the same session shows it again.
(function () {
  "use strict";
  const LONGEST_TIMER_MS = 2 ** 31 - 1;
  const seed = Number(core.QueryString.seed || 0);
  const key = "outcome of " + location.pathname + location.search;
  const outcomes = window.localStorage;
  const showStartScreen = core.startEpisode;

  // They change the page once a second, in a scoreboard that nobody sees.
  core.countdownTimer = core.clearTimer = function () {};

  const style = document.createElement("style");
  style.textContent = "#sync-task-cover, #reward-display, #click-canvas { display: none !important; }";
  document.head.appendChild(style);

  // The package calls it when the page has loaded, and again when the episode has ended.
  core.startEpisode = function () {
    showStartScreen();
    if (WOB_DONE_GLOBAL) {
      outcomes.setItem(key, JSON.stringify([WOB_RAW_REWARD_GLOBAL, WOB_REWARD_REASON]));
      return;
    }
    core.EPISODE_MAX_TIME = LONGEST_TIMER_MS;
    Math.seedrandom(seed);
    core.startEpisodeReal();
    const earlier = outcomes.getItem(key);
    if (earlier !== null) {
      [WOB_RAW_REWARD_GLOBAL, WOB_REWARD_REASON] = JSON.parse(earlier);
      WOB_REWARD_GLOBAL = WOB_RAW_REWARD_GLOBAL;
      WOB_DONE_GLOBAL = true;
      // Without its timer the package rewards nothing more.
      clearTimeout(core.EP_TIMER);
      core.EP_TIMER = null;
    }
  };

  // What a page draws while it loads is the seed's too.
  Math.seedrandom(seed);
})();
