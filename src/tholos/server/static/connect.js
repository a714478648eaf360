// A dashboard's address has its path behind "#": send it on to the page that shows the same.
const found = /^#\/apps\/([0-9a-f-]{36})(\/[a-z]+(?:\/\d+)?)?/i.exec(location.hash);
if (found) location.replace(`/connect/apps/${found[1]}${found[2] ?? ""}`);
