// What Kgents.AppHost is while Aspire is not in the package feed: the same three services in one process (eng/offline/README.md).

Console.Error.WriteLine("Aspire is not in this package feed: starting Kgents.Standalone, the same services in one process, instead of the AppHost.");

// The AppHost's launch profile names the address of Aspire's dashboard, which is not the API's.
Environment.SetEnvironmentVariable("ASPNETCORE_URLS", null);

return AppDomain.CurrentDomain.ExecuteAssemblyByName(
    "Kgents.Standalone",
    ["--applicationName=Kgents.Standalone", $"--contentRoot={AppContext.BaseDirectory}", .. args]);
