/**
 * Settings for pnpm 11 and later, which read none from .npmrc or package.json:
 * esbuild works without its install script, which these versions would
 * otherwise count as an error.
 */
module.exports = {
  hooks: {
    updateConfig(config) {
      config.allowBuilds = { ...config.allowBuilds, esbuild: false };
      return config;
    },
  },
};
