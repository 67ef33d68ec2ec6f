using Kgents.ServiceDefaults;
using Kgents.Streaming;

return await Startup.RunAsync(Console.Error, async explainBy =>
{
    var builder = WebApplication.CreateBuilder(args);
    explainBy(builder.Configuration);
    builder.AddServiceDefaults("kgents-streaming");
    builder.AddKgentsStreaming();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    await app.RunAsync();
    return Environment.ExitCode;
});
