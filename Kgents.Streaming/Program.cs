using Kgents.ServiceDefaults;
using Kgents.Streaming;

return await Startup.RunAsync(args, Console.Error, async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults("kgents-streaming");
    builder.AddKgentsStreaming();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    await app.RunAsync();
});
