using Kgents.Api;
using Kgents.Metering;
using Kgents.ServiceDefaults;
using Kgents.Standalone;
using Kgents.Streaming;

return await Startup.RunAsync(Console.Error, async explainBy =>
{
    var builder = WebApplication.CreateBuilder(args);
    explainBy(builder.Configuration);
    builder.UseDefaultAddress();
    await using var nats = await LocalNats.StartUnlessConnectedAsync(builder);

    builder.AddServiceDefaults("kgents-standalone");
    builder.AddKgentsApi();
    builder.AddKgentsStreaming();
    builder.AddKgentsMetering();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapKgentsApi();
    nats?.StopWith(app);
    await app.RunAsync();
    return Environment.ExitCode;
});
